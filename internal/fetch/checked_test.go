// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/kie-operator/kie-operator/internal/fixture/media"
	"github.com/kie-operator/kie-operator/internal/mp4"
)

// The stream keeps to the rules of io.Reader, and is the video.
func TestChecked(t *testing.T) {
	data := media.Video(t)
	want, err := mp4.Probe(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for reason, wrap := range map[string]func(io.Reader) io.Reader{
		"as it comes":               func(r io.Reader) io.Reader { return r },
		"half of what there is":     iotest.HalfReader,
		"a byte at a time":          iotest.OneByteReader,
		"the end with the last one": iotest.DataErrReader,
	} {
		c := checked(wrap(bytes.NewReader(data)), "host/v.mp4")
		if got := c.Facts(); got != (mp4.VideoFacts{}) {
			t.Errorf("%s: got %+v before the end", reason, got)
		}
		if err := iotest.TestReader(c, data); err != nil {
			t.Errorf("%s: %v", reason, err)
		}
		if diff := cmp.Diff(want, c.Facts()); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", reason, diff)
		}
	}
}

// Who gets all of a file has got a complete video, and who does not gets an error
// that is not io.EOF.
func TestCheckedErrors(t *testing.T) {
	data := media.Video(t)
	broken := errors.New("broken")
	for _, tc := range []struct {
		reason string
		data   []byte
		err    error // instead of io.EOF
		want   error
	}{
		{"nothing", nil, nil, mp4.ErrNotVideo},
		{"a byte", data[:1], nil, mp4.ErrNotVideo},
		{"a page", []byte("<!DOCTYPE html>"), nil, mp4.ErrNotVideo},
		{"half of it", data[:len(data)/2], nil, mp4.ErrNotVideo},
		{"all but a byte", data[:len(data)-1], nil, mp4.ErrNotVideo},
		{"a byte more", slices.Concat(data, []byte{0}), nil, mp4.ErrNotVideo},
		{"it cannot be read", nil, broken, broken},
		{"half of it can be read", data[:len(data)/2], broken, broken},
		{"all but the end can be read", data, broken, broken},
	} {
		for _, wrap := range []func(io.Reader) io.Reader{
			iotest.OneByteReader, iotest.DataErrReader,
			func(r io.Reader) io.Reader { return r },
		} {
			source := io.Reader(bytes.NewReader(tc.data))
			if tc.err != nil {
				source = io.MultiReader(source, iotest.ErrReader(tc.err))
			}
			c := checked(wrap(source), "host/v.mp4")
			got, err := io.ReadAll(c)
			if !errors.Is(err, tc.want) || len(got) > 0 && len(got) >= len(tc.data) {
				t.Errorf("%s: got %d of %d bytes, %v, want fewer and %v", tc.reason, len(got), len(tc.data), err, tc.want)
			}
			if !bytes.HasPrefix(tc.data, got) || c.Facts() != (mp4.VideoFacts{}) {
				t.Errorf("%s: got other bytes, or facts: %+v", tc.reason, c.Facts())
			}
			if n, again := c.Read(make([]byte, 10)); n != 0 || !errors.Is(again, tc.want) {
				t.Errorf("%s: then got %d, %v, want the error again", tc.reason, n, again)
			}
		}
	}
}
