// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"runtime/metrics"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/transfer"
)

func TestBucketStoresVideos(t *testing.T) {
	eachStore(t, func(t *testing.T, s store, b *Bucket) {
		for i, size := range []int{1, 1000, bufferBytes - 1, bufferBytes, bufferBytes + 1, 2 * bufferBytes, 20_000_000} {
			t.Run(strconv.Itoa(size), func(t *testing.T) {
				if _, found, err := b.Find(t.Context(), testVideo); found || err != nil {
					t.Fatalf("found %v before anything is stored: %v", found, err)
				}
				for again := range byte(2) {
					content := random(byte(i)*2+again, size)
					sum := sha256.Sum256(content)
					want := Object{
						URI:         b.URI(testVideo.Key),
						SizeBytes:   int64(size),
						SHA256:      hex.EncodeToString(sum[:]),
						ContentType: "video/mp4",
					}
					if diff := cmp.Diff(want, put(t, b, testVideo, content)); diff != "" {
						t.Errorf("put (-want +got):\n%s", diff)
					}
					got, found, err := b.Find(t.Context(), testVideo)
					if diff := cmp.Diff(want, got); diff != "" || !found || err != nil {
						t.Errorf("found %v, %v (-want +got):\n%s", found, err, diff)
					}
					stored, contentType, metadata := s.read(t, "team-a/videos/"+testVideo.Key)
					if !bytes.Equal(stored, content) {
						t.Error("the content is another one")
					}
					if contentType != "video/mp4" {
						t.Errorf("the media type is %s", contentType)
					}
					wantMetadata := map[string]string{
						"kie-task-id":  "5a1f0c3e",
						"kie-resource": "default/lighthouse",
						"kie-source":   "ae36a56117f3b091e36a45dbe32e1c1b",
						"sha256":       want.SHA256,
						"size":         strconv.Itoa(size),
					}
					if diff := cmp.Diff(wantMetadata, metadata); diff != "" {
						t.Errorf("metadata (-want +got):\n%s", diff)
					}
					if diff := cmp.Diff([]string{"team-a/videos/" + testVideo.Key}, s.all(t)); diff != "" {
						t.Errorf("stored (-want +got):\n%s", diff)
					}
				}
				if err := b.Delete(t.Context(), testVideo.Key); err != nil {
					t.Error(err)
				}
				if all := s.all(t); len(all) != 0 {
					t.Errorf("still there: %v", all)
				}
			})
		}
	})
}

// What another task has written, and what has no hash yet, is not the video.
func TestFindWantsTheCompleteVideoOfTheTask(t *testing.T) {
	eachStore(t, func(t *testing.T, _ store, b *Bucket) {
		put(t, b, testVideo, random(1, 1000))
		other := testVideo
		other.TaskID = "another"
		if _, found, err := b.Find(t.Context(), other); found || err != nil {
			t.Errorf("found %v of another task: %v", found, err)
		}
		other = testVideo
		other.Source = "https://example.com/other.mp4"
		if _, found, err := b.Find(t.Context(), other); found || err != nil {
			t.Errorf("found %v of another video of the task: %v", found, err)
		}
		key, err := b.key(testVideo.Key)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.write(t.Context(), key, testVideo.metadata(), random(2, 1000), nil); err != nil {
			t.Fatal(err)
		}
		if _, found, err := b.Find(t.Context(), testVideo); found || err != nil {
			t.Errorf("found %v without a hash: %v", found, err)
		}
		want := put(t, b, testVideo, random(3, 6_000_000))
		got, found, err := b.Find(t.Context(), testVideo)
		if diff := cmp.Diff(want, got); diff != "" || !found || err != nil {
			t.Errorf("found %v, %v (-want +got):\n%s", found, err, diff)
		}
	})
}

func TestPutLeavesNothingOfABrokenVideo(t *testing.T) {
	content := random(1, 12_000_000)
	eachStore(t, func(t *testing.T, s store, b *Bucket) {
		for tenth := range 11 {
			broken := &transfer.StorageError{Class: transfer.NotVideo, Message: "the body is no video"}
			_, err := b.Put(t.Context(), testVideo, at(tenth*len(content)/10, content, func() error { return broken }))
			if known, ok := errors.AsType[*transfer.StorageError](err); !ok || known != broken {
				t.Errorf("after %d tenths: got %v, want the error of the body", tenth, err)
			}
			if all := s.all(t); len(all) != 0 {
				t.Errorf("after %d tenths: left %v", tenth, all)
			}
		}
	})
}

func TestPutLeavesNothingWhenInterrupted(t *testing.T) {
	content := random(1, 12_000_000)
	eachStore(t, func(t *testing.T, s store, b *Bucket) {
		for _, offset := range []int{0, 1000, 5_000_000, 9_000_000, len(content)} {
			ctx, body := canceledAt(t, offset, content)
			_, err := b.Put(ctx, testVideo, body)
			if class := classOf(t, err); class != transfer.Interrupted {
				t.Errorf("after %d bytes: got %s, want Interrupted: %v", offset, class, err)
			}
			if all := s.all(t); len(all) != 0 {
				t.Errorf("after %d bytes: left %v", offset, all)
			}
		}
	})
}

func TestDeleteKeepsNeighbours(t *testing.T) {
	neighbours := []string{
		"default/lighthouse/7d1e/720p.mp4.mp4",
		"default/lighthouse/7d1e/1080p.mp4",
		"default/lighthouse/7d1e/720p.mp4.1.tmp.mp4",
		"default/lighthouse/8000/720p.mp4",
	}
	eachStore(t, func(t *testing.T, s store, b *Bucket) {
		for _, key := range neighbours {
			put(t, b, Video{Key: key}, random(1, 1000))
		}
		put(t, b, testVideo, random(1, 1000))
		for range 2 { // the second time there is nothing
			if err := b.Delete(t.Context(), testVideo.Key); err != nil {
				t.Error(err)
			}
			if all := s.all(t); len(all) != len(neighbours) {
				t.Errorf("got %v, want the %d neighbours", all, len(neighbours))
			}
		}
	})
}

func TestBucketOwnsItsURIs(t *testing.T) {
	eachStore(t, func(t *testing.T, s store, b *Bucket) {
		for _, key := range []string{testVideo.Key, "a b/ü%2F#?.mp4"} {
			if got, ok := b.Owns(b.URI(key)); got != key || !ok {
				t.Errorf("%s: got %q, %v", b.URI(key), got, ok)
			}
		}
		for _, uri := range []string{"", s.place().URL + "/" + testVideo.Key, b.URI("a") + "/../b", b.URI(""), "s3://other/team-a/videos/x", "%"} {
			if key, ok := b.Owns(uri); ok {
				t.Errorf("%s is taken for %q", uri, key)
			}
		}
	})
}

func TestBucketRefusesKeys(t *testing.T) {
	eachStore(t, func(t *testing.T, s store, b *Bucket) {
		for _, key := range []string{"", "/a", "a/", "a//b", "../a", "a/../../../b", "a/b../c", ".", "a\x00b", "a\\b", "\xff"} {
			_, err := b.Put(t.Context(), Video{Key: key}, bytes.NewReader(nil))
			if class := classOf(t, err); class != transfer.InvalidStorage {
				t.Errorf("%q: got %s", key, class)
			}
			if class := classOf(t, b.Delete(t.Context(), key)); class != transfer.InvalidStorage {
				t.Errorf("%q: got %s", key, class)
			}
		}
		if all := s.all(t); len(all) != 0 {
			t.Errorf("stored: %v", all)
		}
	})
}

// BenchmarkPut reports how large the heap gets while a video of 64 MB is stored.
func BenchmarkPut(b *testing.B) {
	const size = 64_000_000
	// The server of gs is in this process, and holds the videos in memory.
	for name, s := range map[string]store{"s3": newS3Store(b), "file": newFileStore(b)} {
		b.Run(name, func(b *testing.B) {
			bucket := openBucket(b, s, s.place())
			piece := random(1, 1_000_000)
			heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
			metrics.Read(heap)
			before, peak := heap[0].Value.Uint64(), uint64(0)
			b.SetBytes(size)
			for b.Loop() {
				left := size
				_, err := bucket.Put(b.Context(), testVideo, readerFunc(func(p []byte) (int, error) {
					metrics.Read(heap)
					peak = max(peak, heap[0].Value.Uint64())
					n := copy(p, piece[:min(left, len(piece))])
					left -= n
					if n == 0 {
						return 0, io.EOF
					}
					return n, nil
				}))
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(peak-min(peak, before))/1e6, "peak-MB")
		})
	}
}
