// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"testing"
)

// atItsEnd reads a body and calls something when it has ended, before that is known.
type atItsEnd struct {
	io.Reader
	call func()
}

func (a *atItsEnd) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if err == io.EOF && a.call != nil {
		call := a.call
		a.call = nil
		call()
	}
	return n, err
}

// Two processes put the same video: one of them was paused in the middle, and goes
// on when the other one has stored it. Whatever becomes of its own write, the video
// that was stored is there.
func TestARivalTakesNothingAway(t *testing.T) {
	for _, size := range []int{1000, 6_000_000} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			eachStore(t, func(t *testing.T, s store, b *Bucket) {
				content := random(1, size)
				paused := &atItsEnd{bytes.NewReader(content), func() { put(t, b, testVideo, content) }}
				_, err := b.Put(t.Context(), testVideo, paused)
				stored, _, _ := s.read(t, "team-a/videos/"+testVideo.Key)
				if !bytes.Equal(stored, content) {
					t.Errorf("the video is not there any more; the other write ended with %v", err)
				}
			})
		})
	}
}

// A write that fails leaves the object of a rival alone, which may be on the way to its hash.
func TestAFailedWriteLeavesTheObjectOfARival(t *testing.T) {
	content := random(1, 6_000_000)
	eachStore(t, func(t *testing.T, s store, b *Bucket) {
		key, err := b.key(testVideo.Key)
		if err != nil {
			t.Fatal(err)
		}
		broken := errors.New("the link broke off")
		rival := func() {
			if err := b.write(t.Context(), key, testVideo.metadata(), bytes.Clone(content[:bufferBytes]), bytes.NewReader(content[bufferBytes:])); err != nil {
				t.Error(err)
			}
		}
		body := &atItsEnd{io.MultiReader(bytes.NewReader(content), brokenOff{broken, rival}), nil}
		if _, err := b.Put(t.Context(), testVideo, body); !errors.Is(err, broken) {
			t.Errorf("the write ended with %v, want %v", err, broken)
		}
		if stored, _, _ := s.read(t, key); !bytes.Equal(stored, content) {
			t.Error("the object of the other process is gone")
		}
	})
}

// Before a file gets its name, that of another video goes, and that of the same one stays.
func TestWhatMakesWayForAFile(t *testing.T) {
	store := newFileStore(t)
	b := openBucket(t, store, store.place())
	put(t, b, testVideo, random(1, 1000))
	other := testVideo
	other.TaskID = "another"
	for _, tc := range []struct {
		video Video
		left  int
	}{{testVideo, 1}, {other, 0}, {other, 0}} {
		if err := b.makeWay(t.Context(), testVideo.Key, tc.video.metadata()); err != nil {
			t.Error(err)
		}
		if all := store.all(t); len(all) != tc.left {
			t.Errorf("for task %s: there is %q, want %d", tc.video.TaskID, all, tc.left)
		}
	}
}

// brokenOff is a body that does something and breaks off.
type brokenOff struct {
	err    error
	before func()
}

func (f brokenOff) Read([]byte) (int, error) {
	f.before()
	return 0, f.err
}
