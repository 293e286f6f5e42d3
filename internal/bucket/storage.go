// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/oauth2"

	"github.com/kie-operator/kie-operator/internal/egress"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// Place is where videos are stored.
type Place struct {
	// URL is s3://bucket, gs://bucket, azblob://container or file:///folder, and nothing more.
	URL string
	// Endpoint is the URL of an S3-compatible server, empty for AWS, or of the storage account of an Azure
	// container, such as https://myaccount.blob.core.windows.net. For gs it is empty, except for tests.
	Endpoint string
	// Region is that of an S3 bucket. With an Endpoint it is us-east-1 if it is empty.
	Region string
	// Encryption is what an S3 server is asked to encrypt the videos with, AES256 or aws:kms. If it is empty, the
	// bucket decides.
	Encryption string
	// KMSKeyID is the key that aws:kms encrypts with, empty for the one of the bucket or of the account.
	KMSKeyID string
	// Prefix goes before every key, with a slash in between. It has none at its ends.
	Prefix string
	// Secret holds the credentials by the keys of a Secret: accessKeyID, secretAccessKey and perhaps sessionToken
	// for s3, serviceAccountKey for gs, accountKey or sasToken for azblob. If it is nil, the operator's own
	// identity is used.
	Secret map[string][]byte
	// Trusted means that an administrator chose the place. Others need a Secret, reach public addresses over
	// https only, and no files.
	Trusted bool
}

// StorageOptions is what an installation allows.
type StorageOptions struct {
	// AllowPrivate lets places that are not trusted use http and every address. It is for development.
	AllowPrivate bool
	// FileRoot is the folder below which file:// may store, empty if nowhere.
	FileRoot string
}

// What an S3 server can be asked to encrypt with.
const (
	encryptionAES256 = "AES256"
	encryptionKMS    = "aws:kms"
)

// Storage opens places. It is safe for concurrent use.
type Storage struct {
	options StorageOptions
	guarded *http.Client // for places that somebody else chose
	trusted *http.Client

	// The operator's own identities, which remember their tokens.
	awsIdentity    identity[aws.Config]
	googleIdentity identity[oauth2.TokenSource]
	azureIdentity  identity[azcore.TokenCredential]
}

// NewStorage returns a Storage with nothing open.
func NewStorage(o StorageOptions) *Storage {
	return &Storage{
		options: o,
		guarded: egress.Guard{AllowPrivate: o.AllowPrivate}.StorageClient(),
		trusted: egress.TrustedStorageClient(),
	}
}

// CloseIdleConnections closes the connections that wait for a next request.
func (s *Storage) CloseIdleConnections() {
	s.guarded.CloseIdleConnections()
	s.trusted.CloseIdleConnections()
}

// client is the one for a place.
func (s *Storage) client(p Place) *http.Client {
	if p.Trusted {
		return s.trusted
	}
	return s.guarded
}

// Open returns the bucket of a place. It asks nobody whether there is one: the
// first use does. A place that cannot be used as it is described is an
// *StorageError of class InvalidStorage, and a root folder that is not there of
// class BucketNotFound.
func (s *Storage) Open(ctx context.Context, p Place) (*Bucket, error) {
	u, err := p.check(s.options)
	if err != nil {
		return nil, err
	}
	b := &Bucket{url: *u, backend: u.Scheme, prefix: p.Prefix}
	switch u.Scheme {
	case "s3":
		err = s.openS3(ctx, b, p)
	case "gs":
		err = s.openGS(ctx, b, p)
	case "azblob":
		err = s.openAzure(ctx, b, p)
	default:
		err = s.openFile(ctx, b)
	}
	if err != nil {
		return nil, b.failed(ctx, err)
	}
	return b, nil
}

// invalid is an error about how a storage is described.
func invalid(format string, args ...any) error {
	return &transfer.StorageError{Class: transfer.InvalidStorage, Message: fmt.Sprintf(format, args...)}
}

// The patterns are narrower than what some providers allow, so that a name can never
// be read as anything but a name.
var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)
	regionName = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)
	kmsKeyID   = regexp.MustCompile(`^[A-Za-z0-9:/_-]{1,512}$`)
)

// check refuses what does not fit together, and returns the URL.
func (p Place) check(o StorageOptions) (*url.URL, error) {
	u, err := url.Parse(p.URL)
	if err != nil {
		return nil, invalid("storage.url cannot be read: use one like s3://bucket")
	}
	if !slices.Contains([]string{"s3", "gs", "azblob", "file"}, u.Scheme) {
		return nil, invalid("storage.url has an unknown scheme: use s3://, gs://, azblob:// or file://")
	}
	isFile := u.Scheme == "file"
	switch {
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "", u.Opaque != "", u.Port() != "":
		return nil, invalid("storage.url says more than where the videos go: use only %s:// and a name", u.Scheme)
	case isFile && (u.Host != "" || !path.IsAbs(u.Path)):
		return nil, invalid("storage.url has no absolute path: use one like file:///videos")
	case !isFile && u.Path != "":
		return nil, invalid("storage.url has a path: put it into storage.prefix")
	case !isFile && !bucketName.MatchString(u.Host):
		return nil, invalid("storage.url has no valid name of a bucket: use 3 or more lower case letters, digits, dots, hyphens and underscores")
	case isFile && !p.Trusted:
		return nil, invalid("storage.url begins with file://, which only an administrator can choose: use s3://, gs:// or azblob://")
	case !isFile && !p.Trusted && p.Secret == nil:
		return nil, invalid("the storage names no Secret with its credentials: name one")
	case p.Region != "" && !regionName.MatchString(p.Region):
		return nil, invalid("storage.region is not the name of a region: use one like us-east-1")
	}
	if err := p.checkEndpoint(u.Scheme, o); err != nil {
		return nil, err
	}
	if err := p.checkEncryption(u.Scheme); err != nil {
		return nil, err
	}
	if p.Prefix != "" && (!validKey(p.Prefix) || len(p.Prefix) > maxPrefixBytes) {
		return nil, invalid("storage.prefix is not a path of at most %d bytes: use one like videos/team-a", maxPrefixBytes)
	}
	return u, nil
}

func (p Place) checkEndpoint(scheme string, o StorageOptions) error {
	if p.Endpoint == "" {
		if scheme == "azblob" {
			return invalid("storage.endpoint is missing: use that of the storage account, like https://myaccount.blob.core.windows.net")
		}
		return nil
	}
	u, err := url.Parse(p.Endpoint)
	switch {
	case scheme == "file", scheme == "gs" && !p.Trusted:
		return invalid("storage.endpoint does not go with %s://: remove it", scheme)
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return invalid("storage.endpoint is not a URL: use one like https://s3.example.com")
	case u.User != nil, u.RawQuery != "", u.ForceQuery, strings.Contains(p.Endpoint, "#"), strings.Trim(u.Path, "/") != "":
		return invalid("storage.endpoint says more than a host: use one like https://s3.example.com")
	case u.Scheme != "https" && !p.Trusted && !o.AllowPrivate:
		return invalid("storage.endpoint does not begin with https://: use one that does")
	default:
		return nil
	}
}

func (p Place) checkEncryption(scheme string) error {
	switch {
	case p.Encryption == "" && p.KMSKeyID == "":
		return nil
	case scheme != "s3":
		return invalid("storage.serverSideEncryption does not go with %s://: remove it", scheme)
	case p.Encryption != encryptionAES256 && p.Encryption != encryptionKMS:
		return invalid("storage.serverSideEncryption has an unknown algorithm: use %s or %s", encryptionAES256, encryptionKMS)
	case p.Encryption != encryptionKMS && p.KMSKeyID != "":
		return invalid("storage.serverSideEncryption has a kmsKeyID without the algorithm %s: remove one, or use the other", encryptionKMS)
	case p.KMSKeyID != "" && !kmsKeyID.MatchString(p.KMSKeyID):
		return invalid("storage.serverSideEncryption.kmsKeyID is not the id, the alias or the ARN of a key: use one like alias/videos")
	default:
		return nil
	}
}

// endpoint is the endpoint without a slash at its end.
func (p Place) endpoint() string { return strings.TrimRight(p.Endpoint, "/") }

// secret returns what the Secret has under a key.
func (p Place) secret(key string) (string, error) {
	value := strings.TrimSpace(string(p.Secret[key]))
	if value == "" {
		return "", invalid("the Secret of the storage has no %s: add it", key)
	}
	return value, nil
}

const (
	maxPrefixBytes = 256
	maxKeyBytes    = 1024 // what all providers take
)

// validKey says whether a key means the same everywhere, as the name of an
// object and as the path of a file.
func validKey(key string) bool {
	if key == "" || len(key) > maxKeyBytes || !utf8.ValidString(key) {
		return false
	}
	for element := range strings.SplitSeq(key, "/") {
		if element == "" || element == "." || strings.HasSuffix(element, "..") { // fileblob writes x../ in another way
			return false
		}
	}
	return !strings.ContainsFunc(key, func(r rune) bool { return unicode.IsControl(r) || r == '\\' })
}

// identity is one of the operator's own, looked for when it is first needed.
// Only what was found is remembered.
type identity[T any] struct {
	mu    sync.Mutex
	found *T
}

func (i *identity[T]) get(find func() (T, error)) (T, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.found != nil {
		return *i.found, nil
	}
	value, err := find()
	if err == nil {
		i.found = &value
	}
	return value, err
}
