// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kie-operator/kie-operator/internal/fixture/media"
)

func TestCheckImageBytes(t *testing.T) {
	for _, tc := range []struct {
		kind string
		want Image
	}{
		{"jpeg", Image{"image/jpeg", ".jpg"}},
		{"png", Image{"image/png", ".png"}},
		{"webp", Image{"image/webp", ".webp"}},
		{"webp lossless", Image{"image/webp", ".webp"}},
	} {
		if got, err := CheckImageBytes(media.Picture(t, tc.kind)); err != nil || got != tc.want {
			t.Errorf("%s: got %+v, %v, want %+v", tc.kind, got, err, tc.want)
		}
	}
}

func TestCheckImageBytesErrors(t *testing.T) {
	flat := slices.Clone(media.Picture(t, "png"))
	copy(flat[16:20], "\x00\x00\x00\x00") // the width
	whole := media.Picture(t, "png")
	for _, tc := range []struct {
		reason string
		data   []byte
		want   string
	}{
		{"nothing", nil, "is empty"},
		{"too much", append(slices.Clone(whole), make([]byte, MaxImageBytes)...), "30 MiB"},
		{"a kind that KIE.AI does not take", media.Picture(t, "gif"), "not a JPEG, PNG or WebP"},
		{"a page", []byte("<html>"), "not a JPEG, PNG or WebP"},
		{"encoded twice", []byte(base64.StdEncoding.EncodeToString(whole)), "encoded twice"},
		{"another file in a RIFF", []byte("RIFF\x00\x00\x00\x00WAVEfmt "), "not a JPEG, PNG or WebP"},
		{"the beginning only", whole[:8], "image/png and cannot be read"},
		{"the beginning only", media.Picture(t, "jpeg")[:20], "image/jpeg and cannot be read"},
		{"the beginning only", media.Picture(t, "webp")[:12], "image/webp and cannot be read"},
		{"no pixels", flat, "image/png and cannot be read"},
	} {
		got, err := CheckImageBytes(tc.data)
		var failure *ImageError
		if !errors.As(err, &failure) || got != (Image{}) {
			t.Errorf("%s: got %+v, %v, want an *ImageError", tc.reason, got, err)
			continue
		}
		if failure.Temporary || !strings.Contains(failure.Message, tc.want) {
			t.Errorf("%s: got %+v, want the words %q, and not temporary", tc.reason, *failure, tc.want)
		}
	}
}

// As large as it may be is not too large.
func TestCheckImageBytesAtTheLimit(t *testing.T) {
	data := make([]byte, MaxImageBytes)
	copy(data, media.Picture(t, "png"))
	if _, err := CheckImageBytes(data); err != nil {
		t.Error(err)
	}
}

func FuzzCheckImageBytes(f *testing.F) {
	for _, kind := range []string{"jpeg", "png", "webp", "webp lossless", "gif"} {
		data := media.Picture(f, kind)
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Add([]byte("RIFF\xff\xff\xff\xffWEBPVP8X\x0a\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := CheckImageBytes(data)
		if _, known := formatOf(data); err == nil && !known {
			t.Errorf("got %+v for no image", got)
		}
		if (err == nil) != (got.ContentType != "" && strings.HasPrefix(got.Extension, ".")) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}
