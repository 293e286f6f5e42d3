// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/transfer"
)

// videoBytes is the length of a video that is sent in three parts.
const videoBytes = 12 << 20

// checkStored stores a video, and checks that all of it is there and nothing else.
func checkStored(t *testing.T, s store, b *Bucket, size int) {
	t.Helper()
	content := random(1, size)
	sum := sha256.Sum256(content)
	want := Object{URI: b.URI(testVideo.Key), SizeBytes: int64(size), SHA256: hex.EncodeToString(sum[:]), ContentType: videoType}
	if diff := cmp.Diff(want, put(t, b, testVideo, content)); diff != "" {
		t.Errorf("%d bytes: put (-want +got):\n%s", size, diff)
	}
	if diff := cmp.Diff([]string{testVideo.Key}, s.all(t)); diff != "" {
		t.Fatalf("%d bytes: stored (-want +got):\n%s", size, diff)
	}
	if stored, _, metadata := s.read(t, testVideo.Key); !bytes.Equal(stored, content) || metadata[metadataTask] != testVideo.TaskID {
		t.Errorf("%d bytes: the content is another one, or the metadata: %v", size, metadata)
	}
}

// checkFound checks whether a stored video is known by its metadata.
func checkFound(t *testing.T, b *Bucket, want bool) {
	t.Helper()
	if _, found, err := b.Find(t.Context(), testVideo); found != want || err != nil {
		t.Errorf("found %v, %v, want %v", found, err, want)
	}
}

// A bucket with Object Lock takes no body without a checksum.
func TestEveryBodyHasItsChecksum(t *testing.T) {
	store := newS3Store(t)
	b := openBucket(t, store, faulty(t, store, withoutChecksum))
	for _, size := range []int{1000, videoBytes} {
		checkStored(t, store, b, size)
		checkFound(t, b, true)
	}
}

// A part goes where its object is to be, whatever the server calls that place.
func TestPartsGoToTheObject(t *testing.T) {
	store := newS3Store(t)
	for reason, words := range map[string]*strings.Replacer{
		"another bucket": strings.NewReplacer("<Bucket>"+testBucket+"</Bucket>", "<Bucket>videos-1x2y3z-s3alias</Bucket>"),
		"another key":    strings.NewReplacer("<Key>"+testVideo.Key+"</Key>", "<Key>another</Key>"),
		"neither": strings.NewReplacer(
			"<Bucket>"+testBucket+"</Bucket>", "", "<Key>"+testVideo.Key+"</Key>", ""),
	} {
		t.Run(reason, func(t *testing.T) {
			reworded := false
			place := front{refuse: outside, reword: func(resp *http.Response, body string) string {
				if !isBegin(resp.Request) {
					return body
				}
				reworded = words.Replace(body) != body
				return words.Replace(body)
			}}.before(t, store)
			b := openBucket(t, store, place)
			checkStored(t, store, b, videoBytes)
			checkFound(t, b, true)
			if !reworded {
				t.Error("the server did not say something else")
			}
		})
	}
}

// A checksum that was not asked for is none of the object.
func TestPartsHaveTheChecksumsThatWereAskedFor(t *testing.T) {
	store := newS3Store(t)
	place := front{
		refuse: func(r *http.Request) (int, string) {
			if isEnd(r) && bytes.Contains(bodyOf(r), []byte("Checksum")) {
				return http.StatusBadRequest, "InvalidRequest"
			}
			return 0, ""
		},
		reword: func(resp *http.Response, body string) string {
			if isPart(resp.Request) {
				resp.Header.Set("X-Amz-Checksum-Crc32", "AAAAAA==")
			}
			return body
		},
	}.before(t, store)
	checkStored(t, store, openBucket(t, store, place), videoBytes)
}

type roundTripper func(r *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// AWS gets its newer checksums, with each body, and once more of all parts.
func TestAWSGetsItsChecksums(t *testing.T) {
	storage := newTestStorage(t, StorageOptions{})
	bodies, parts := 0, 0
	storage.guarded = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}
		switch {
		case r.URL.Host != testBucket+".s3.eu-central-1.amazonaws.com":
			t.Errorf("%s was asked", r.URL.Host)
		case r.Method == http.MethodHead:
			answer.Header.Set("Content-Length", strconv.Itoa(videoBytes))
		case isCopy(r):
			answer.Body = io.NopCloser(strings.NewReader("<CopyObjectResult></CopyObjectResult>"))
		case isBegin(r):
			if algorithm := r.Header.Get("X-Amz-Checksum-Algorithm"); algorithm != "CRC32" {
				t.Errorf("the parts are to have the checksum %q", algorithm)
			}
			answer.Body = io.NopCloser(strings.NewReader("<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"))
		case isEnd(r):
			parts = bytes.Count(bodyOf(r), []byte("<ChecksumCRC32>AAAAAA==</ChecksumCRC32>"))
		case isPart(r), isObject(r):
			if strings.EqualFold(r.Header.Get("X-Amz-Trailer"), "X-Amz-Checksum-Crc32") {
				bodies++
			}
			_ = bodyOf(r)
			answer.Header.Set("Etag", `"1"`)
			answer.Header.Set("X-Amz-Checksum-Crc32", "AAAAAA==")
		}
		return answer, nil
	})}
	b, err := storage.Open(t.Context(), Place{URL: "s3://" + testBucket, Region: "eu-central-1", Secret: s3Secret("id", "key")})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1000, videoBytes} {
		put(t, b, testVideo, random(1, size))
	}
	if bodies != 4 || parts != 3 {
		t.Errorf("got the checksum with %d bodies, and of %d parts, want 4 and 3", bodies, parts)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// What no S3 server answers is not one of its uploads.
func TestAnswersThatAreNotS3(t *testing.T) {
	store := newS3Store(t)
	for reason, place := range map[string]Place{
		"a page": front{refuse: func(*http.Request) (int, string) { return 0, "" }, reword: func(resp *http.Response, body string) string {
			if isBegin(resp.Request) {
				return "<!DOCTYPE html><html><body>Sign in</body></html>"
			}
			return body
		}}.before(t, store),
		"parts without a tag": front{refuse: func(*http.Request) (int, string) { return 0, "" }, reword: func(resp *http.Response, body string) string {
			if isPart(resp.Request) {
				resp.Header.Del("Etag")
			}
			return body
		}}.before(t, store),
	} {
		_, err := openBucket(t, store, place).Put(t.Context(), testVideo, bytes.NewReader(random(1, videoBytes)))
		want := fmt.Sprintf("bucket %q at %s does not answer as S3 does: correct storage.endpoint, or check what stands before it", testBucket, place.Endpoint)
		if class := classOf(t, err); class != transfer.StorageUnavailable || err.Error() != want {
			t.Errorf("%s: got %s, %v, want StorageUnavailable, %s", reason, class, err, want)
		}
	}
}

// A server may not copy, or not on a condition. What it has stored stays, without
// the hash in its metadata.
func TestServersThatDoNotCopy(t *testing.T) {
	store := newS3Store(t)
	for _, tc := range []struct {
		reason string
		is     func(r *http.Request) bool
		status int
		code   string
	}{
		{"it has no copy", isCopy, http.StatusNotImplemented, "NotImplemented"},
		{"it has no copy, and says so otherwise", isCopy, http.StatusMethodNotAllowed, "MethodNotAllowed"},
		{"it has no conditions", isConditional, http.StatusNotImplemented, "NotImplemented"},
		{"it knows no tags of copies", isConditional, http.StatusPreconditionFailed, "PreconditionFailed"},
		{"a copy is too much", isCopy, http.StatusForbidden, "QuotaExceeded"},
		{"a copy is not allowed", isCopy, http.StatusForbidden, "AccessDenied"},
		{"a copy fails", isCopy, http.StatusInternalServerError, "InternalError"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			refused := atomic.Int32{}
			place := faulty(t, store, func(r *http.Request) (int, string) {
				if tc.is(r) {
					refused.Add(1)
					return tc.status, tc.code
				}
				return 0, ""
			})
			b := openBucket(t, store, place)
			checkStored(t, store, b, videoBytes)
			checkFound(t, b, false)
			if refused.Load() == 0 {
				t.Error("nothing was refused")
			}
			checkStored(t, store, b, videoBytes) // again, as after a restart
			if err := b.Delete(t.Context(), testVideo.Key); err != nil {
				t.Error(err)
			}
			if all := store.all(t); len(all) != 0 {
				t.Errorf("left %v", all)
			}
		})
	}
}

// The answer of a copy may be lost.
func TestCopyOfWhichTheAnswerIsLost(t *testing.T) {
	store := newS3Store(t)
	place := front{refuse: func(*http.Request) (int, string) { return 0, "" }, reword: func(resp *http.Response, body string) string {
		if isCopy(resp.Request) {
			resp.StatusCode = http.StatusBadRequest
			return "<Error><Code>SomethingNew</Code></Error>"
		}
		return body
	}}.before(t, store)
	b := openBucket(t, store, place)
	checkStored(t, store, b, videoBytes)
	checkFound(t, b, true)
}

// Whether or not the server copies, it is seen that the object is not the one that
// was written: another one has taken its place, and does not get its hash.
func TestObjectIsReplacedBeforeItsCopy(t *testing.T) {
	store := newS3Store(t)
	for _, tc := range []struct {
		reason string
		size   int
		status int
	}{
		{"as long", videoBytes, 0},
		{"as long, and nothing is copied", videoBytes, http.StatusNotImplemented},
		{"shorter, and nothing is copied", 1000, http.StatusNotImplemented},
	} {
		var straight *Bucket
		place := faulty(t, store, func(r *http.Request) (int, string) {
			if !isCopy(r) {
				return 0, ""
			}
			if _, err := straight.Put(t.Context(), Video{Key: testVideo.Key}, bytes.NewReader(random(2, tc.size))); err != nil {
				t.Error(err)
			}
			return tc.status, "NotImplemented"
		})
		straight = openBucket(t, store, store.place())
		_, err := openBucket(t, store, place).Put(t.Context(), testVideo, bytes.NewReader(random(1, videoBytes)))
		if class := classOf(t, err); class != transfer.StorageUnavailable || !errors.Is(err, errNotAsWritten) {
			t.Errorf("%s: got %s, %v, want errNotAsWritten", tc.reason, class, err)
		}
		if content, _, metadata := store.read(t, testVideo.Key); !bytes.Equal(content, random(2, tc.size)) || metadata[metadataTask] != "" {
			t.Errorf("%s: the other object is gone, or has the metadata %v", tc.reason, metadata)
		}
	}
}

// A policy may demand that who writes asks for an encryption.
func TestEncryptionIsAskedFor(t *testing.T) {
	store := newS3Store(t)
	const key = "arn:aws:kms:eu-central-1:111122223333:alias/videos"
	for _, tc := range []struct{ algorithm, key string }{{"AES256", ""}, {"aws:kms", ""}, {"aws:kms", key}} {
		place := faulty(t, store, withoutEncryption(tc.algorithm, tc.key))
		for _, size := range []int{1000, videoBytes} {
			_, err := openBucket(t, store, place).Put(t.Context(), testVideo, bytes.NewReader(random(1, size)))
			if class := classOf(t, err); class != transfer.AccessDenied || !strings.Contains(err.Error(), "storage.serverSideEncryption") {
				t.Errorf("%s without the field: got %s: %v", tc.algorithm, class, err)
			}
		}
		place.Encryption, place.KMSKeyID = tc.algorithm, tc.key
		b := openBucket(t, store, place)
		for _, size := range []int{1000, videoBytes} {
			checkStored(t, store, b, size)
			checkFound(t, b, true)
		}
	}
}

// endedContext is one that ends with an error when it is told to.
type endedContext struct {
	context.Context
	end chan struct{}
	err error
}

func (c endedContext) Done() <-chan struct{} { return c.end }

func (c endedContext) Err() error {
	select {
	case <-c.end:
		return c.err
	default:
		return nil
	}
}

// A video is whole before its copy, and stays if the time is over then. Where the
// operator ends, it is not the video yet: the next one stores it again.
func TestStoringEndsDuringTheCopy(t *testing.T) {
	store := newS3Store(t)
	for _, err := range []error{context.DeadlineExceeded, context.Canceled} {
		ctx := endedContext{t.Context(), make(chan struct{}), err}
		place := faulty(t, store, func(r *http.Request) (int, string) {
			if !isCopy(r) {
				return 0, ""
			}
			close(ctx.end)
			<-r.Context().Done() // the other side has hung up
			return http.StatusServiceUnavailable, "SlowDown"
		})
		whole := errors.Is(err, context.DeadlineExceeded)
		_, err := openBucket(t, store, place).Put(ctx, testVideo, bytes.NewReader(random(1, videoBytes)))
		if (err == nil) != whole {
			t.Errorf("%v: got %v", ctx.err, err)
		}
		if diff := cmp.Diff([]string{testVideo.Key}, store.all(t)); diff != "" {
			t.Errorf("%v: stored (-want +got):\n%s", ctx.err, diff)
		}
		if _, found, err := openBucket(t, store, store.place()).Find(t.Context(), testVideo); found || err != nil {
			t.Errorf("%v: it is found without its hash, or not known: %v, %v", ctx.err, found, err)
		}
	}
}
