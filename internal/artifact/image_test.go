// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"bytes"
	"encoding/base64"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"
)

// picture is a small image of some kind.
func picture(t testing.TB, kind string) []byte {
	t.Helper()
	var (
		buffer bytes.Buffer
		err    error
		pixels = image.NewPaletted(image.Rect(0, 0, 4, 3), color.Palette{color.Black, color.White})
	)
	switch kind {
	case "jpeg":
		err = jpeg.Encode(&buffer, pixels, nil)
	case "png":
		err = png.Encode(&buffer, pixels)
	case "gif":
		err = gif.Encode(&buffer, pixels, nil)
	case "webp": // lossy
		return decoded(t, "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	case "webp lossless":
		return decoded(t, "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	default:
		t.Fatalf("unknown kind %q", kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func decoded(t testing.TB, text string) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

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
		if got, err := CheckImageBytes(picture(t, tc.kind)); err != nil || got != tc.want {
			t.Errorf("%s: got %+v, %v, want %+v", tc.kind, got, err, tc.want)
		}
	}
}

func TestCheckImageBytesErrors(t *testing.T) {
	flat := slices.Clone(picture(t, "png"))
	copy(flat[16:20], "\x00\x00\x00\x00") // the width
	whole := picture(t, "png")
	for _, tc := range []struct {
		reason string
		data   []byte
		want   string
	}{
		{"nothing", nil, "is empty"},
		{"too much", append(slices.Clone(whole), make([]byte, MaxImageBytes)...), "30 MiB"},
		{"a kind that KIE.AI does not take", picture(t, "gif"), "no JPEG, PNG or WebP"},
		{"a page", []byte("<html>"), "no JPEG, PNG or WebP"},
		{"encoded twice", []byte(base64.StdEncoding.EncodeToString(whole)), "encoded twice"},
		{"another file in a RIFF", []byte("RIFF\x00\x00\x00\x00WAVEfmt "), "no JPEG, PNG or WebP"},
		{"the beginning only", whole[:8], "image/png and cannot be read"},
		{"the beginning only", picture(t, "jpeg")[:20], "image/jpeg and cannot be read"},
		{"the beginning only", picture(t, "webp")[:12], "image/webp and cannot be read"},
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
	copy(data, picture(t, "png"))
	if _, err := CheckImageBytes(data); err != nil {
		t.Error(err)
	}
}

func FuzzCheckImageBytes(f *testing.F) {
	for _, kind := range []string{"jpeg", "png", "webp", "webp lossless", "gif"} {
		data := picture(f, kind)
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
