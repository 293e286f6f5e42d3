// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/kie-operator/kie-operator/internal/egress"
	"github.com/kie-operator/kie-operator/internal/fixture/media"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

const azureEndpoint = "https://account.blob.core.windows.net"

func azureSecret(name, value string) map[string][]byte { return map[string][]byte{name: []byte(value)} }

func TestOpen(t *testing.T) {
	s3 := s3Secret("id", "key")
	gs := gsSecret("service_account", "https://oauth2.googleapis.com/token")
	azure := azureSecret("accountKey", "a2V5")
	for _, tc := range []struct {
		reason string
		place  Place
		want   string // what the message has, empty if the place can be opened
	}{
		{"s3", Place{URL: "s3://videos", Region: "eu-central-1", Secret: s3}, ""},
		{"s3 of somebody", Place{URL: "s3://videos", Endpoint: "https://s3.example.com", Secret: s3, Prefix: "a/b"}, ""},
		{"s3 in the cluster", Place{URL: "s3://videos", Endpoint: "http://minio.storage:9000/", Secret: s3, Trusted: true}, ""},
		{"s3, encrypted", Place{URL: "s3://videos", Region: "eu-central-1", Secret: s3, Encryption: "AES256"}, ""},
		{"s3, encrypted with a key", Place{
			URL: "s3://videos", Region: "eu-central-1", Secret: s3, Encryption: "aws:kms", KMSKeyID: "arn:aws:kms:eu-central-1:111122223333:alias/videos"}, ""},
		{"gs", Place{URL: "gs://videos_2.example.com", Secret: gs}, ""},
		{"azblob, with a key", Place{URL: "azblob://videos", Endpoint: azureEndpoint, Secret: azure}, ""},
		{"azblob, with a signature", Place{URL: "azblob://videos", Endpoint: azureEndpoint, Secret: azureSecret("sasToken", "?sv=1&sig=a%2F")}, ""},
		{"azblob, own identity", Place{URL: "azblob://videos", Endpoint: azureEndpoint, Trusted: true}, ""},

		{"nothing", Place{Trusted: true}, "unknown scheme"},
		{"not a URL", Place{URL: "s3://%", Trusted: true}, "cannot be read"},
		{"another scheme", Place{URL: "mem://videos", Trusted: true}, "unknown scheme"},
		{"a query", Place{URL: "s3://videos?endpoint=x", Secret: s3}, "says more"},
		{"an empty query", Place{URL: "s3://videos?", Secret: s3}, "says more"},
		{"a fragment", Place{URL: "s3://videos#x", Secret: s3}, "says more"},
		{"a user", Place{URL: "s3://user:password@videos", Secret: s3}, "says more"},
		{"a port", Place{URL: "s3://videos:80", Secret: s3}, "says more"},
		{"a path", Place{URL: "s3://videos/a", Secret: s3}, "storage.prefix"},
		{"no name", Place{URL: "s3://", Secret: s3}, "name of a bucket"},
		{"a short name", Place{URL: "s3://ab", Secret: s3}, "name of a bucket"},
		{"capitals", Place{URL: "s3://Videos", Secret: s3}, "name of a bucket"},
		{"a name that is more", Place{URL: "s3://arn:aws:s3:x", Secret: s3}, "cannot be read"},
		{"no region", Place{URL: "s3://videos", Secret: s3}, "storage.region is missing"},
		{"a region that is more", Place{URL: "s3://videos", Region: "x.example.com/", Secret: s3}, "not the name of a region"},
		{"a prefix that leads out", Place{URL: "gs://videos", Prefix: "a/../..", Secret: gs}, "storage.prefix"},
		{"a prefix with a slash", Place{URL: "gs://videos", Prefix: "/a", Secret: gs}, "storage.prefix"},
		{"a prefix with a slash behind", Place{URL: "gs://videos", Prefix: "a/", Secret: gs}, "storage.prefix"},
		{"a long prefix", Place{URL: "gs://videos", Prefix: strings.Repeat("a", 257), Secret: gs}, "at most 256 bytes"},

		{"an encryption, gs", Place{URL: "gs://videos", Secret: gs, Encryption: "AES256"}, "does not go with gs://"},
		{"another encryption", Place{URL: "s3://videos", Region: "x", Secret: s3, Encryption: "aws:fsx"}, "unknown algorithm"},
		{"a key for no encryption", Place{URL: "s3://videos", Region: "x", Secret: s3, KMSKeyID: "a"}, "unknown algorithm"},
		{"a key for another encryption", Place{URL: "s3://videos", Region: "x", Secret: s3, Encryption: "AES256", KMSKeyID: "a"}, "without the algorithm aws:kms"},
		{"a key that is more", Place{URL: "s3://videos", Region: "x", Secret: s3, Encryption: "aws:kms", KMSKeyID: "a\r\nb"}, "not the id, the alias or the ARN"},

		{"no Secret", Place{URL: "s3://videos", Region: "eu-central-1"}, "names no Secret"},
		{"no Secret, gs", Place{URL: "gs://videos"}, "names no Secret"},
		{"no Secret, azblob", Place{URL: "azblob://videos", Endpoint: azureEndpoint}, "names no Secret"},
		{"http", Place{URL: "s3://videos", Endpoint: "http://s3.example.com", Secret: s3}, "does not begin with https://"},
		{"files of somebody", Place{URL: "file:///videos"}, "only an administrator"},
		{"an endpoint of somebody, gs", Place{URL: "gs://videos", Endpoint: "https://example.com", Secret: gs}, "does not go with gs://"},
		{"an endpoint, file", Place{URL: "file:///videos", Endpoint: "https://example.com", Trusted: true}, "does not go with file://"},
		{"no endpoint, azblob", Place{URL: "azblob://videos", Secret: azure}, "storage.endpoint is missing"},
		{"an endpoint without a scheme", Place{URL: "s3://videos", Endpoint: "s3.example.com", Secret: s3}, "is not a URL"},
		{"an endpoint with a user", Place{URL: "s3://videos", Endpoint: "https://u:p@s3.example.com", Secret: s3}, "more than a host"},
		{"an endpoint with a query", Place{URL: "s3://videos", Endpoint: "https://s3.example.com?x", Secret: s3}, "more than a host"},
		{"an endpoint with a path", Place{URL: "s3://videos", Endpoint: "https://s3.example.com/x", Secret: s3}, "more than a host"},

		{"an empty Secret", Place{URL: "s3://videos", Region: "x", Secret: map[string][]byte{}}, "no accessKeyID"},
		{"half a Secret", Place{URL: "s3://videos", Region: "x", Secret: map[string][]byte{"accessKeyID": []byte("a")}}, "no secretAccessKey"},
		{"an empty Secret, gs", Place{URL: "gs://videos", Secret: map[string][]byte{}}, "no serviceAccountKey"},
		{"an empty Secret, azblob", Place{URL: "azblob://videos", Endpoint: azureEndpoint, Secret: map[string][]byte{}}, "no accountKey and no sasToken"},
		{"a key that is none", Place{URL: "azblob://videos", Endpoint: azureEndpoint, Secret: azureSecret("accountKey", "%")}, "not in base64"},
		{"a signature that is none", Place{URL: "azblob://videos", Endpoint: azureEndpoint, Secret: azureSecret("sasToken", "x")}, "not a shared access signature"},
		{"both", Place{URL: "azblob://videos", Endpoint: azureEndpoint, Secret: map[string][]byte{"sasToken": []byte("sig=a"), "accountKey": []byte("a2V5")}}, "remove one"},

		{"credentials that run a program", Place{URL: "gs://videos", Secret: gsSecret("external_account", "https://example.com")}, "not the JSON key of a service account"},
		{"credentials that ask a host", Place{URL: "gs://videos", Secret: gsSecret("impersonated_service_account", "https://example.com")}, "not the JSON key of a service account"},
		{"credentials of a person", Place{URL: "gs://videos", Secret: gsSecret("authorized_user", "https://example.com")}, "not the JSON key of a service account"},
		{"not JSON", Place{URL: "gs://videos", Secret: azureSecret("serviceAccountKey", "x")}, "not the JSON key of a service account"},
	} {
		b, err := newTestStorage(t, StorageOptions{}).Open(t.Context(), tc.place)
		if tc.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tc.reason, err)
				continue
			}
			if scheme, _, _ := strings.Cut(tc.place.URL, ":"); b.Backend() != scheme {
				t.Errorf("%s: the backend is %s", tc.reason, b.Backend())
			}
			if err := b.Close(); err != nil {
				t.Errorf("%s: %v", tc.reason, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: it was opened", tc.reason)
			continue
		}
		if class := classOf(t, err); class != transfer.InvalidStorage || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %s: %v, want InvalidStorage with %q", tc.reason, class, err, tc.want)
		}
		if strings.Contains(err.Error(), "password") {
			t.Errorf("%s: the message holds a password: %v", tc.reason, err)
		}
	}
}

func TestAccountOfAnEndpoint(t *testing.T) {
	if got := account(azureEndpoint); got != "account" {
		t.Errorf("got %q", got)
	}
}

// What somebody chose has to be at a public address, whatever its kind.
func TestOpenReachesPublicAddressesOnly(t *testing.T) {
	server := media.NewServer(t, media.PrivateAddress, media.Hello)
	for _, place := range []Place{
		{URL: "s3://videos", Endpoint: server.URL, Secret: s3Secret("id", "key")},
		{URL: "gs://videos", Secret: gsSecret("service_account", server.URL)},
		{URL: "azblob://videos", Endpoint: server.URL, Secret: azureSecret("accountKey", "a2V5")},
	} {
		b, err := newTestStorage(t, StorageOptions{}).Open(t.Context(), place)
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Put(t.Context(), testVideo, bytes.NewReader(nil))
		if class := classOf(t, err); class != transfer.InvalidStorage || !errors.Is(err, egress.ErrPrivateAddress) {
			t.Errorf("%s: got %s: %v", place.URL, class, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := server.Connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// Credentials are not taken along to where a server redirects to.
func TestStorageFollowsNoRedirects(t *testing.T) {
	other := media.NewPlainServer(t, media.PrivateAddress, media.Hello)
	server := media.NewPlainServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	for _, place := range []Place{
		{URL: "s3://videos", Endpoint: server.URL, Secret: s3Secret("id", "key")},
		{URL: "azblob://videos", Endpoint: server.URL, Secret: azureSecret("accountKey", "a2V5")},
	} {
		for _, trusted := range []bool{false, true} {
			place.Trusted = trusted
			b, err := newTestStorage(t, StorageOptions{AllowPrivate: true}).Open(t.Context(), place)
			if err != nil {
				t.Fatal(err)
			}
			_, err = b.Put(t.Context(), testVideo, bytes.NewReader(nil))
			if class := classOf(t, err); class != transfer.InvalidStorage {
				t.Errorf("%s: got %s: %v", place.URL, class, err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if n := other.Requests.Load(); n != 0 || server.Requests.Load() == 0 {
		t.Errorf("%d requests went on", n)
	}
}

func TestOpenFile(t *testing.T) {
	root := t.TempDir()
	outside := t.TempDir()
	for link, target := range map[string]string{"out": outside, "dead": filepath.Join(outside, "nothing"), "within": filepath.Join(root, "a")} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	alias := filepath.Join(t.TempDir(), "alias")
	if err := os.Symlink(root, alias); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		reason, root, folder string
		want                 transfer.Class // empty if it can be opened
	}{
		{"the root", root, root, ""},
		{"below", root, root + "/b/c", ""},
		{"below, in another way", root, root + "/b/../c/", ""},
		{"through a link that stays", root, root + "/within/b", ""},
		{"a root that is a link", alias, alias + "/b", ""},
		{"no root", "", root, transfer.InvalidStorage},
		{"a root that is not there", root + "/nothing", root + "/nothing/a", transfer.BucketNotFound},
		{"outside", root, outside, transfer.InvalidStorage},
		{"outside, with the same beginning", root, root + "2", transfer.InvalidStorage},
		{"outside, in another way", root, root + "/../x", transfer.InvalidStorage},
		{"above", root, filepath.Dir(root), transfer.InvalidStorage},
		{"through a link", root, root + "/out", transfer.InvalidStorage},
		{"below a link", root, root + "/out/a/b", transfer.InvalidStorage},
		{"through a link to nothing", root, root + "/dead", transfer.InvalidStorage},
		{"below a link to nothing", root, root + "/dead/a", transfer.InvalidStorage},
	} {
		b, err := newTestStorage(t, StorageOptions{FileRoot: tc.root}).Open(t.Context(), Place{URL: "file://" + tc.folder, Trusted: true})
		if tc.want != "" {
			if err == nil {
				t.Errorf("%s: it was opened", tc.reason)
			} else if class := classOf(t, err); class != tc.want {
				t.Errorf("%s: got %s, want %s: %v", tc.reason, class, tc.want, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.reason, err)
			continue
		}
		put(t, b, testVideo, random(1, 1000))
		if _, err := os.Stat(filepath.Join(tc.folder, testVideo.Key)); err != nil {
			t.Errorf("%s: %v", tc.reason, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(outside)
	if len(entries) != 0 || err != nil {
		t.Errorf("outside there is %v, %v", entries, err)
	}
	if _, err := os.Stat(filepath.Join(root, "nothing")); err == nil {
		t.Error("a root was made")
	}
}

// Whoever can write to a volume can put a link where a key leads.
func TestFileKeysFollowNoLinksOut(t *testing.T) {
	for _, link := range []string{"default", "default/lighthouse", testVideo.Key, testVideo.Key + sidecarSuffix} {
		store := newFileStore(t)
		b := openBucket(t, store, store.place())
		outside := t.TempDir()
		precious := filepath.Join(outside, "lighthouse", "7d1e", "720p.mp4")
		if err := os.MkdirAll(filepath.Dir(precious), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(precious, []byte("precious"), 0o644); err != nil {
			t.Fatal(err)
		}
		target := precious
		switch link {
		case "default":
			target = outside
		case "default/lighthouse":
			target = filepath.Join(outside, "lighthouse")
		}
		path := filepath.Join(store.root, "bucket", link)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		_, err := b.Put(t.Context(), testVideo, bytes.NewReader(random(1, 1000)))
		if class := classOf(t, err); class != transfer.InvalidStorage {
			t.Errorf("%s: put: %s", link, class)
		}
		if class := classOf(t, b.Delete(t.Context(), testVideo.Key)); class != transfer.InvalidStorage {
			t.Errorf("%s: delete: %s", link, class)
		}
		if _, _, err := b.Find(t.Context(), testVideo); classOf(t, err) != transfer.InvalidStorage {
			t.Errorf("%s: find: %v", link, err)
		}
		if content, err := os.ReadFile(precious); string(content) != "precious" || err != nil {
			t.Errorf("%s: %q, %v", link, content, err)
		}
	}
}

// What a kill in the middle of a write leaves goes with the next write, and with
// the object.
func TestFileLeftovers(t *testing.T) {
	store := newFileStore(t)
	b := openBucket(t, store, store.place())
	folder := filepath.Join(store.root, "bucket", filepath.Dir(testVideo.Key))
	leave := func() {
		t.Helper()
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"720p.mp4.18a3f0.tmp", "720p.mp4.attrs"} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(`{"user.meta`), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	leave()
	put(t, b, testVideo, random(1, 1000))
	if diff := cmp.Diff([]string{testVideo.Key}, store.all(t)); diff != "" {
		t.Errorf("after a put (-want +got):\n%s", diff)
	}
	leave() // the metadata of the object is damaged now
	if _, found, err := b.Find(t.Context(), testVideo); found || err != nil {
		t.Errorf("found %v without metadata: %v", found, err)
	}
	put(t, b, testVideo, random(1, 6_000_000))
	leave()
	if err := b.Delete(t.Context(), testVideo.Key); err != nil {
		t.Error(err)
	}
	leave()
	if err := b.Delete(t.Context(), testVideo.Key); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(filepath.Join(store.root, "bucket"))
	if len(entries) != 0 || err != nil {
		t.Errorf("still there: %v, %v", entries, err)
	}
}

// answered is what the S3 client makes of an answer with a status and a code.
func answered(status int, code string) error {
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: "for X-Amz-Signature=x"},
	}
}

// Of an answer the message has the code and nothing else, if it is a code.
func TestWhatServersSay(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{answered(400, "InvalidRequest"), " (HTTP 400 InvalidRequest)"},
		{answered(400, "KMS.NotFoundException"), " (HTTP 400 KMS.NotFoundException)"},
		{answered(403, ""), " (HTTP 403)"},
		{answered(400, "see https://example.com/?X-Amz-Signature=x"), " (HTTP 400)"},
		{answered(400, "a\nb"), " (HTTP 400)"},
		{answered(400, "Denied\n"), " (HTTP 400)"},
		{answered(400, strings.Repeat("a", 65)), " (HTTP 400)"},
		{&googleapi.Error{Code: 403, Message: "no", Errors: []googleapi.ErrorItem{{Reason: "forbidden", Message: "no"}}}, " (HTTP 403 forbidden)"},
		{&azcore.ResponseError{StatusCode: 409, ErrorCode: "BlobImmutableDueToPolicy"}, " (HTTP 409 BlobImmutableDueToPolicy)"},
		{&oauth2.RetrieveError{Response: &http.Response{StatusCode: http.StatusBadRequest}, ErrorCode: "invalid_grant", Body: []byte("no")}, " (HTTP 400 invalid_grant)"},
		{&oauth2.RetrieveError{ErrorCode: "invalid_grant"}, ""},
		{&smithy.GenericAPIError{Code: "InvalidRequest"}, ""},
		{errors.New("something else"), ""},
	} {
		if got := said(fmt.Errorf("writing: %w", tc.err)); got != tc.want {
			t.Errorf("%v: got %q, want %q", tc.err, got, tc.want)
		}
	}
}

func TestReasonOf(t *testing.T) {
	disk := func(number syscall.Errno) error { return &os.PathError{Op: "write", Path: "/videos/x", Err: number} }
	dial := func(err error) error {
		return &url.Error{Op: "Put", URL: "https://s3.example.com/?X-Amz-Signature=x", Err: &net.OpError{Op: "dial", Err: err}}
	}
	for _, tc := range []struct {
		err  error
		want reason
	}{
		{disk(syscall.EACCES), fileDenied},
		{disk(syscall.EROFS), fileDenied},
		{disk(syscall.ENOSPC), full},
		{disk(syscall.EDQUOT), full},
		{disk(syscall.ENOENT), notFound},
		{disk(syscall.EIO), unavailable},
		{dial(syscall.ECONNREFUSED), unavailable},
		{dial(syscall.EACCES), unavailable},
		{dial(&net.DNSError{Err: "no such host", Name: "s3.example.com", IsNotFound: true}), unknownHost},
		{dial(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}), untrustedTLS},
		{dial(fmt.Errorf("%w: 10.0.0.1", egress.ErrPrivateAddress)), private},
		{&url.Error{Err: egress.ErrInsecureURL}, insecure},
		{&googleapi.Error{Code: 403, Errors: []googleapi.ErrorItem{{Reason: "quotaExceeded"}}}, full},
		{&googleapi.Error{Code: 403}, denied},
		{&googleapi.Error{Code: 403, Errors: []googleapi.ErrorItem{{Reason: "rateLimitExceeded"}}}, busy},
		{&googleapi.Error{Code: 401}, badKey},
		{&googleapi.Error{Code: 400, Errors: []googleapi.ErrorItem{{Reason: "userProjectMissing"}}}, refused},
		{&googleapi.Error{Code: 404}, notFound},
		{&googleapi.Error{Code: 503}, serverError},
		{&azcore.ResponseError{StatusCode: 404, ErrorCode: "ContainerNotFound"}, notFound},
		{&azcore.ResponseError{StatusCode: 403, ErrorCode: "AuthenticationFailed"}, badKey},
		{&azcore.ResponseError{StatusCode: 403, ErrorCode: "AuthorizationPermissionMismatch"}, denied},
		{&azcore.ResponseError{StatusCode: 409, ErrorCode: "BlobImmutableDueToPolicy"}, refused},
		{&azcore.ResponseError{StatusCode: 503, ErrorCode: "ServerBusy"}, busy},
		{&azcore.ResponseError{StatusCode: 507}, full},
		{answered(400, "InvalidRequest"), refused},
		{answered(400, "EntityTooLarge"), refused},
		{answered(405, "MethodNotAllowed"), refused},
		{answered(413, ""), refused},
		{answered(501, "NotImplemented"), refused},
		{answered(400, "KMS.DisabledException"), badKMSKey},
		{answered(400, "BadDigest"), garbled},
		{answered(400, "RequestTimeout"), unavailable},
		{answered(400, "ExpiredToken"), badKey},
		{answered(403, "RequestTimeTooSkewed"), clocksDiffer},
		{answered(403, "SignatureDoesNotMatch"), badKey},
		{answered(403, "AccessDenied"), deniedByS3},
		{answered(403, "SomethingNew"), deniedByS3},
		{answered(503, "SlowDown"), busy},
		{answered(500, "InternalError"), serverError},
		{answered(200, ""), unavailable},
		{fmt.Errorf("%w: %w", answered(200, ""), &smithy.DeserializationError{}), notS3},
		{fmt.Errorf("%w: %w", answered(502, ""), &smithy.DeserializationError{}), serverError},
		{errNotS3, notS3},
		{errors.New("something else"), unavailable},
	} {
		backend := "s3"
		if _, ok := errors.AsType[*os.PathError](tc.err); ok {
			backend = "file"
		} else if _, ok := errors.AsType[*googleapi.Error](tc.err); ok {
			backend = "gs"
		} else if _, ok := errors.AsType[*azcore.ResponseError](tc.err); ok {
			backend = "azblob"
		}
		if got := reasonOf(t.Context(), backend, fmt.Errorf("writing: %w", tc.err)); got != tc.want {
			t.Errorf("%v: got %v, want %v", tc.err, got, tc.want)
		}
	}
}
