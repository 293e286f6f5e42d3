// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kie-operator/kie-operator/internal/testenv"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

const testBucket = "videos"

var testVideo = Video{Key: "default/lighthouse/7d1e/720p.mp4", TaskID: "5a1f0c3e", Resource: "default/lighthouse", Source: "https://example.com/v.mp4"}

// store is a place for tests, seen past the code that is tested.
type store interface {
	// place is how the code that is tested gets there.
	place() Place
	// all names everything that is there: objects, metadata, uploads that have not ended, temporary files.
	all(t testing.TB) []string
	// read returns the content, the media type and the metadata of an object.
	read(t testing.TB, key string) ([]byte, string, map[string]string)
}

// stores are the kinds that run in tests, each empty.
func stores(t testing.TB) map[string]store {
	return map[string]store{"s3": newS3Store(t), "gs": newGSStore(t), "file": newFileStore(t)}
}

// eachStore runs a test with every kind of store, a bucket in it, and a prefix
// in the place.
func eachStore(t *testing.T, test func(t *testing.T, s store, b *Bucket)) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			p := s.place()
			p.Prefix = "team-a/videos"
			test(t, s, openBucket(t, s, p))
		})
	}
}

// openBucket opens a place of a store.
func openBucket(t testing.TB, s store, p Place) *Bucket {
	t.Helper()
	options := StorageOptions{}
	if files, ok := s.(fileStore); ok {
		options.FileRoot = files.root
	}
	b, err := newTestStorage(t, options).Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func newTestStorage(t testing.TB, o StorageOptions) *Storage {
	t.Helper()
	s := NewStorage(o)
	t.Cleanup(s.CloseIdleConnections)
	return s
}

// s3Store is a bucket of a real server.
type s3Store struct{ *testenv.S3 }

func newS3Store(t testing.TB) s3Store {
	t.Helper()
	server, err := testenv.StartS3(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	if err := server.CreateBucket(t.Context(), testBucket); err != nil {
		t.Fatal(err)
	}
	return s3Store{server}
}

func (s s3Store) place() Place {
	return Place{URL: "s3://" + testBucket, Endpoint: s.Endpoint, Secret: s3Secret(s.AccessKeyID, s.SecretAccessKey), Trusted: true}
}

func s3Secret(id, key string) map[string][]byte {
	return map[string][]byte{"accessKeyID": []byte(id), "secretAccessKey": []byte(key + "\n")} // as many a Secret ends
}

func (s s3Store) all(t testing.TB) []string {
	t.Helper()
	names := s.uploads(t)
	objects, err := s.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(testBucket)})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects.Contents {
		names = append(names, *object.Key)
	}
	return names
}

// uploads are those that have not ended.
func (s s3Store) uploads(t testing.TB) []string {
	t.Helper()
	uploads, err := s.Client().ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(testBucket)})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, upload := range uploads.Uploads {
		names = append(names, "an upload of "+*upload.Key)
	}
	return names
}

func (s s3Store) read(t testing.TB, key string) ([]byte, string, map[string]string) {
	t.Helper()
	object, err := s.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(testBucket), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = object.Body.Close() }()
	content, err := io.ReadAll(object.Body)
	if err != nil {
		t.Fatal(err)
	}
	metadata := map[string]string{}
	for name, value := range object.Metadata {
		if metadata[name], err = url.PathUnescape(value); err != nil {
			t.Fatal(err)
		}
	}
	return content, *object.ContentType, metadata
}

// fileStore is a folder below the root of an installation.
type fileStore struct{ root string }

func newFileStore(t testing.TB) fileStore {
	t.Helper()
	return fileStore{t.TempDir()}
}

func (s fileStore) place() Place { return Place{URL: "file://" + s.root + "/bucket", Trusted: true} }

func (s fileStore) all(t testing.TB) []string {
	t.Helper()
	folder := filepath.Join(s.root, "bucket")
	names := []string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if strings.HasSuffix(name, sidecarSuffix) {
			if _, missing := os.Stat(strings.TrimSuffix(path, sidecarSuffix)); missing == nil {
				return nil // belongs to the object
			}
		}
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func (s fileStore) read(t testing.TB, key string) ([]byte, string, map[string]string) {
	t.Helper()
	path := filepath.Join(s.root, "bucket", key)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path + sidecarSuffix)
	if err != nil {
		t.Fatal(err)
	}
	var sidecar struct {
		ContentType string            `json:"user.content_type"`
		Metadata    map[string]string `json:"user.metadata"`
	}
	if err := json.Unmarshal(text, &sidecar); err != nil {
		t.Fatal(err)
	}
	return content, sidecar.ContentType, sidecar.Metadata
}

// random makes content that is the same for the same seed.
func random(seed byte, size int) []byte {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(content) // never fails
	return content
}

// at is a body that does something when a part of it was read, and is one that
// is read piece by piece, as from a network.
func at(offset int, content []byte, do func() error) io.Reader {
	return io.MultiReader(bytes.NewReader(content[:offset]), readerFunc(func([]byte) (int, error) {
		if err := do(); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}), bytes.NewReader(content[offset:]))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// put stores a video that must work out.
func put(t testing.TB, b *Bucket, v Video, content []byte) Object {
	t.Helper()
	object, err := b.Put(t.Context(), v, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// classOf is the class of an error that has to be an *StorageError.
func classOf(t testing.TB, err error) transfer.Class {
	t.Helper()
	known, ok := errors.AsType[*transfer.StorageError](err)
	if !ok {
		t.Fatalf("got %v, want an *StorageError", err)
	}
	return known.Class
}

// canceledAt is a context, and a body that cancels it on the way.
func canceledAt(t testing.TB, offset int, content []byte) (context.Context, io.Reader) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, at(offset, content, func() error { cancel(); return nil })
}
