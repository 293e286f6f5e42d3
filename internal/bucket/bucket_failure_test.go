// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/transfer"
)

func TestBucketThatIsNotThere(t *testing.T) {
	store := newS3Store(t)
	place := store.place()
	place.URL = "s3://nothing"
	b := openBucket(t, store, place)
	for _, size := range []int{1000, 12_000_000} {
		_, err := b.Put(t.Context(), testVideo, bytes.NewReader(random(1, size)))
		if class := classOf(t, err); class != transfer.BucketNotFound {
			t.Errorf("%d bytes: got %s, want BucketNotFound", size, class)
		}
		want := fmt.Sprintf("bucket %q at %s does not exist (HTTP 404 NoSuchBucket): create it, or correct storage.url", "nothing", store.Endpoint)
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("message (-want +got):\n%s", diff)
		}
	}
}

func TestWrongCredentials(t *testing.T) {
	store := newS3Store(t)
	for _, tc := range []struct{ reason, id, key string }{
		{"another id", "somebody", store.SecretAccessKey},
		{"another key", store.AccessKeyID, "wrong-key"},
	} {
		place := store.place()
		place.Secret = s3Secret(tc.id, tc.key)
		b := openBucket(t, store, place)
		for _, size := range []int{1000, 12_000_000} {
			_, err := b.Put(t.Context(), testVideo, bytes.NewReader(random(1, size)))
			if class := classOf(t, err); class != transfer.AccessDenied {
				t.Errorf("%s, %d bytes: got %s, want AccessDenied", tc.reason, size, class)
			}
			if strings.Contains(err.Error(), tc.id) || strings.Contains(err.Error(), tc.key) {
				t.Errorf("%s: the message holds credentials: %v", tc.reason, err)
			}
		}
		if _, _, err := b.Find(t.Context(), testVideo); classOf(t, err) != transfer.AccessDenied {
			t.Errorf("%s: find: %v", tc.reason, err)
		}
		if err := b.Delete(t.Context(), testVideo.Key); classOf(t, err) != transfer.AccessDenied {
			t.Errorf("%s: delete: %v", tc.reason, err)
		}
	}
	put(t, openBucket(t, store, store.place()), testVideo, random(1, 12_000_000))
}

// The operator's own identity is what the environment says.
func TestOwnIdentity(t *testing.T) {
	store := newS3Store(t)
	t.Setenv("AWS_ACCESS_KEY_ID", store.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", store.SecretAccessKey)
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	place := store.place()
	place.Secret = nil
	put(t, openBucket(t, store, place), testVideo, random(1, 1000))

	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	b := openBucket(t, store, place)
	_, err := b.Put(t.Context(), testVideo, bytes.NewReader(nil))
	if class := classOf(t, err); class != transfer.AccessDenied || !strings.Contains(err.Error(), "none of its own") {
		t.Errorf("without an identity: %s: %v", class, err)
	}
}

func TestServerDiesDuringAPut(t *testing.T) {
	store := newS3Store(t)
	b := openBucket(t, store, store.place())
	content := random(1, 12_000_000)
	_, err := b.Put(t.Context(), testVideo, at(11_000_000, content, func() error { store.Kill(); return nil }))
	if class := classOf(t, err); class != transfer.StorageUnavailable {
		t.Errorf("got %s, want StorageUnavailable: %v", class, err)
	}
	if err := store.Restart(); err != nil {
		t.Fatal(err)
	}
	if uploads := store.uploads(t); len(uploads) != 1 {
		t.Errorf("got %v, want the upload that nobody could abort", uploads)
	}
	put(t, b, testVideo, content)
	if diff := cmp.Diff([]string{testVideo.Key}, store.all(t)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// An upload of a Put that is forgotten goes with the object.
func TestDeleteAbortsUploads(t *testing.T) {
	store := newS3Store(t)
	b := openBucket(t, store, store.place())
	for _, key := range []string{testVideo.Key, testVideo.Key + ".mp4"} {
		_, err := b.Put(t.Context(), Video{Key: key}, at(11_000_000, random(1, 12_000_000), func() error { store.Kill(); return io.ErrUnexpectedEOF }))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		if err := store.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Delete(t.Context(), testVideo.Key); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"an upload of " + testVideo.Key + ".mp4"}, store.uploads(t)); diff != "" {
		t.Errorf("uploads (-want +got):\n%s", diff)
	}
}

func TestFaultsOfTheServer(t *testing.T) {
	store := newS3Store(t)
	for _, tc := range []struct {
		status int
		code   string
		want   transfer.Class
	}{
		{http.StatusForbidden, "QuotaExceeded", transfer.StorageFull},
		{http.StatusInsufficientStorage, "XMinioStorageFull", transfer.StorageFull},
		{http.StatusInsufficientStorage, "SomethingNew", transfer.StorageFull},
		{http.StatusForbidden, "AccessDenied", transfer.AccessDenied},
		{http.StatusForbidden, "SomethingNew", transfer.AccessDenied},
		{http.StatusNotFound, "NoSuchBucket", transfer.BucketNotFound},
		{http.StatusMovedPermanently, "PermanentRedirect", transfer.InvalidStorage},
		{http.StatusBadRequest, "AuthorizationHeaderMalformed", transfer.InvalidStorage},
		{http.StatusTooManyRequests, "SomethingNew", transfer.StorageUnavailable},
		{http.StatusBadRequest, "InvalidRequest", transfer.StorageRefused},
		{http.StatusNotImplemented, "NotImplemented", transfer.StorageRefused},
	} {
		for _, at := range []struct {
			name string
			size int
			is   func(r *http.Request) bool
		}{
			{"object", 1000, isObject},
			{"part", 12_000_000, func(r *http.Request) bool { return isPart(r) && r.URL.Query().Get("partNumber") == "2" }},
			{"begin", 6_000_000, isBegin},
			{"end", 6_000_000, isEnd},
		} {
			t.Run(tc.code+" "+at.name, func(t *testing.T) {
				place := faulty(t, store, func(r *http.Request) (int, string) {
					if at.is(r) {
						return tc.status, tc.code
					}
					return 0, ""
				})
				b := openBucket(t, store, place)
				_, err := b.Put(t.Context(), testVideo, bytes.NewReader(random(1, at.size)))
				if class := classOf(t, err); class != tc.want {
					t.Errorf("got %s, want %s: %v", class, tc.want, err)
				}
				if strings.Contains(err.Error(), "own words") || !strings.Contains(err.Error(), fmt.Sprintf(" (HTTP %d %s): ", tc.status, tc.code)) {
					t.Errorf("the message has not the code, or more of what the server said: %v", err)
				}
				if all := store.all(t); len(all) != 0 {
					t.Errorf("left %v", all)
				}
			})
		}
	}
}

// A server that cannot list uploads stores and deletes all the same.
func TestServerThatListsNoUploads(t *testing.T) {
	store := newS3Store(t)
	var asked atomic.Int32
	place := faulty(t, store, func(r *http.Request) (int, string) {
		if r.Method == http.MethodGet && r.URL.Query().Has("uploads") {
			asked.Add(1)
			return http.StatusNotImplemented, "NotImplemented"
		}
		return 0, ""
	})
	b := openBucket(t, store, place)
	put(t, b, testVideo, random(1, 12_000_000))
	if err := b.Delete(t.Context(), testVideo.Key); err != nil {
		t.Error(err)
	}
	if all := store.all(t); len(all) != 0 || asked.Load() == 0 {
		t.Errorf("asked %d times, left %v", asked.Load(), all)
	}
}

// A copy that the server has lost in between is not a stored video.
func TestObjectIsNotWhatWasWritten(t *testing.T) {
	store := newFileStore(t)
	b := openBucket(t, store, store.place())
	key, err := b.key(testVideo.Key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, testVideo, random(1, 5_000_000))
	s := &source{reader: bytes.NewReader(random(2, 5_000_000)), hash: sha256.New()}
	if _, err := io.Copy(io.Discard, s); err != nil {
		t.Fatal(err)
	}
	if err := b.rewrite(t.Context(), key, s.stamped(testVideo)); !errors.Is(err, errNotAsWritten) {
		t.Errorf("got %v, want errNotAsWritten", err)
	}
	if content, _, _ := store.read(t, key); !bytes.Equal(content, random(1, 5_000_000)) {
		t.Error("the object was replaced")
	}
}

// limitVariable has a test process write files of no more than 1 MiB, into the
// folder that it names.
const limitVariable = "KIE_TEST_LIMITED_FOLDER"

// A process with a limit meets one in the middle of a file, as on a full disk.
func TestFullFilesystem(t *testing.T) {
	if root := os.Getenv(limitVariable); root != "" {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		store := fileStore{root}
		b := openBucket(t, store, store.place())
		for _, size := range []int{2_000_000, 6_000_000} {
			_, err := b.Put(t.Context(), testVideo, bytes.NewReader(random(1, size)))
			if class := classOf(t, err); class != transfer.StorageFull {
				t.Errorf("%d bytes: got %s, want StorageFull: %v", size, class, err)
			}
			if all := store.all(t); len(all) != 0 {
				t.Errorf("%d bytes: left %v", size, all)
			}
		}
		return
	}
	root := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullFilesystem$", "-test.count=1")
	child.Env = append(os.Environ(), limitVariable+"="+root)
	if output, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, output)
	}
	if _, err := os.Stat(filepath.Join(root, "bucket")); err != nil {
		t.Errorf("nothing was tried: %v", err)
	}
}

func TestTimeIsUp(t *testing.T) {
	eachStore(t, func(t *testing.T, s store, b *Bucket) {
		ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
		defer cancel()
		_, err := b.Put(ctx, testVideo, bytes.NewReader(random(1, 1000)))
		if class := classOf(t, err); class != transfer.StorageUnavailable {
			t.Errorf("got %s, want StorageUnavailable: %v", class, err)
		}
		if all := s.all(t); len(all) != 0 {
			t.Errorf("left %v", all)
		}
	})
}
