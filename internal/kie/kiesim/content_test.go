// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/http"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/fetch"
	"github.com/kie-operator/kie-operator/internal/mp4"
)

// topBoxes returns the kinds of the boxes of a file, which have to fill it.
func topBoxes(t *testing.T, c content) []string {
	t.Helper()
	var kinds []string
	var header [16]byte
	at := int64(0)
	for at < c.size {
		if _, err := (endlessly{c}).ReadAt(header[:], at); err != nil {
			t.Fatal(err)
		}
		size := int64(binary.BigEndian.Uint32(header[:]))
		if size == 1 {
			size = int64(binary.BigEndian.Uint64(header[8:]))
		}
		kinds = append(kinds, string(header[4:8]))
		at += size
	}
	if at != c.size {
		t.Fatalf("the boxes end at %d of %d bytes: %v", at, c.size, kinds)
	}
	return kinds
}

func TestContentHasTheSize(t *testing.T) {
	c := clip{resolution720p, false, 8}
	size := int64(len(c.video()))
	whole, pad, small := []string{"ftyp", "moov", "free", "mdat"}, []string{"ftyp", "moov", "free", "mdat", "free"}, []string{"ftyp", "moov", "mdat", "free"}
	cases := []struct {
		size int64
		want []string
	}{
		{minFileBytes, small},
		{size - 1, small},
		{size, whole},
		{size + 1, small}, // there is no box of one byte
		{size + 7, small},
		{size + 8, pad},
		{64 << 20, pad},
		{size + math.MaxUint32, pad},
		{size + math.MaxUint32 + 1, pad}, // the size of the box has 64 bits
		{math.MaxInt64, pad},
	}
	for _, test := range cases {
		t.Run(fmt.Sprint(test.size), func(t *testing.T) {
			content := c.content(test.size)
			if content.size != test.size {
				t.Fatalf("there are %d bytes", content.size)
			}
			if diff := cmp.Diff(test.want, topBoxes(t, content)); diff != "" {
				t.Errorf("boxes (-want +got):\n%s", diff)
			}
			if held := len(content.start) + len(content.padding); int64(held) > size+16 {
				t.Errorf("%d bytes are in memory", held)
			}
		})
	}
	if got := c.content(0); got.size != size {
		t.Errorf("a size of zero makes %d bytes, want %d", got.size, size)
	}
}

// TestEverySizeIsAVideo looks at files as a stranger does.
func TestEverySizeIsAVideo(t *testing.T) {
	fetcher := fetch.NewFetcher(true)
	t.Cleanup(fetcher.CloseIdleConnections)
	sizes := map[string][2]int{resolution720p: {1280, 720}, resolution1080p: {1920, 1080}, resolution4K: {3840, 2160}}
	for resolution, size := range sizes {
		for _, aspect := range []string{"16:9", "9:16"} {
			for _, seconds := range []int{4, 6, 8, filmSeconds} {
				width, height := size[0], size[1]
				if aspect == portrait {
					width, height = height, width
				}
				t.Run(fmt.Sprintf("%s %s %ds", resolution, aspect, seconds), func(t *testing.T) {
					f := newFixture(t, Options{Faults: Faults{DeliverSeconds: seconds}})
					want := mp4.VideoFacts{Width: width, Height: height, Duration: time.Duration(seconds) * time.Second}
					for _, bytes := range []int64{minFileBytes, 1 << 20, 64 << 20} {
						f.SetFaults(Faults{DeliverSeconds: seconds, File: FileFaults{Bytes: bytes}})
						path := videoPath(f, f.made(fields{"prompt": "a", "resolution": resolution, "aspect_ratio": aspect}))
						got, err := fetcher.Probe(t.Context(), f.server.URL+path)
						want.Audio = bytes > minFileBytes
						if diff := cmp.Diff(want, got); diff != "" || err != nil {
							t.Errorf("%d bytes: %v, facts (-want +got):\n%s", bytes, err, diff)
						}
					}
				})
			}
		}
	}
}

func TestTheSampleOfAnAbridgedVideoIsThere(t *testing.T) {
	video := abridged(clip{resolution720p, false, 8}.video())
	table := boxOf(video, "moov", "trak", "mdia", "minf", "stbl", "stco")
	place := binary.BigEndian.Uint32(table[len(table)-4:])
	if !bytes.HasPrefix(video[place:], filler[:]) {
		t.Errorf("there is no sample at %d", place)
	}
}

func TestContentReads(t *testing.T) {
	c := clip{resolution720p, false, 4}.content(200_000)
	all, err := io.ReadAll(c.reader())
	if err != nil || int64(len(all)) != c.size {
		t.Fatalf("%d bytes (%v)", len(all), err)
	}
	if err := iotest.TestReader(c.reader(), all); err != nil {
		t.Error(err)
	}
	edge := len(c.start) + len(c.padding)
	for _, from := range []int{0, len(c.start) - 1, len(c.start), edge - 1, edge, edge + len(noise) - 1, 199_990} {
		for _, n := range []int{1, 2, 10} {
			part := make([]byte, n)
			if _, err := (endlessly{c}).ReadAt(part, int64(from)); err != nil || !bytes.Equal(part, all[from:from+n]) {
				t.Errorf("%d bytes from %d on are %x (%v), want %x", n, from, part, err, all[from:from+n])
			}
		}
	}
}

func TestVersionsOfAContent(t *testing.T) {
	original := clip{resolution720p, false, 4}.content(100_000)
	read := func(c content) []byte {
		all, err := io.ReadAll(c.reader())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	seen := map[string]bool{original.etag(): true}
	for version := 1; version <= 3; version++ {
		changed := original.changed(version)
		before, after := read(original.changed(version-1)), read(changed)
		if seen[changed.etag()] || len(before) != len(after) {
			t.Errorf("version %d has an old ETag, or another size", version)
		}
		seen[changed.etag()] = true
		if diff := cmp.Diff(topBoxes(t, original), topBoxes(t, changed)); diff != "" {
			t.Errorf("boxes of version %d (-want +got):\n%s", version, diff)
		}
		for _, edge := range []int{8000, 50_000, 99_000} {
			if bytes.Equal(before[edge-100:edge], after[edge-100:edge]) {
				t.Errorf("version %d is the one before it in front of byte %d", version, edge)
			}
		}
	}
}

// TestLargeFile reads a file that is larger than all that may be held of it.
func TestLargeFile(t *testing.T) {
	f := newFixture(t, Options{})
	path := videoPath(f, f.made(fields{"prompt": "[sim:bytes=67108864]"}))
	got := f.fetch(path)
	if got.Status != http.StatusOK || got.Length != 64<<20 {
		t.Errorf("the file is %v", got)
	}
	end := f.fetch(path, from(64<<20-100))
	if end.Status != http.StatusPartialContent || len(end.Body) != 100 || end.Header.Get("Content-Range") != "bytes 67108764-67108863/67108864" {
		t.Errorf("the end of the file is %v", end)
	}
	size, sum, ok := f.FileOf(f.server.URL + path)
	if !ok || size != 64<<20 || sum == "" {
		t.Errorf("FileOf says %d bytes, %s, %v", size, sum, ok)
	}
}
