// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// MaxImageBytes is the largest image that is accepted. KIE.AI documents no
// limit. An image in 4K as PNG stays below this one, a photo as JPEG far below;
// what is larger is most likely a mistake, and an image in a Secret or ConfigMap
// is held in memory to be uploaded.
const MaxImageBytes = 30 << 20

// Image is what an image shows of itself.
type Image struct {
	// ContentType is the media type, such as "image/png".
	ContentType string
	// Extension is what the name of a file of that type ends with, such as ".png".
	Extension string
}

// ImageError is why an image cannot be used.
type ImageError struct {
	// Temporary means that the same image may be fine later.
	Temporary bool
	// Message is a sentence for people: what is wrong and what to do. Of a URL it shows the host and the path.
	Message string

	cause error
}

// Error returns the message.
func (e *ImageError) Error() string { return e.Message }

// Unwrap returns the cause, such as ErrPrivateAddress or ErrInsecureURL.
func (e *ImageError) Unwrap() error { return e.cause }

// format is a kind of image that KIE.AI takes.
type format struct {
	Image
	begins func(data []byte) bool
	decode func(r io.Reader) (image.Config, error)
}

var formats = []format{
	{Image{"image/jpeg", ".jpg"}, beginning("\xff\xd8\xff"), jpeg.DecodeConfig},
	{Image{"image/png", ".png"}, beginning("\x89PNG\r\n\x1a\n"), png.DecodeConfig},
	{Image{"image/webp", ".webp"}, beginsLikeWebP, webp.DecodeConfig},
}

func beginning(magic string) func([]byte) bool {
	return func(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }
}

// beginsLikeWebP looks around the length of the file in bytes 4 to 7.
func beginsLikeWebP(data []byte) bool {
	return len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
}

// formatOf recognizes an image by its first bytes.
func formatOf(data []byte) (format, bool) {
	for _, f := range formats {
		if f.begins(data) {
			return f, true
		}
	}
	return format{}, false
}

// formatNamed recognizes a media type.
func formatNamed(contentType string) bool {
	for _, f := range formats {
		if f.ContentType == contentType {
			return true
		}
	}
	return false
}

// CheckImageBytes says what kind of image the data is, by its content. It decodes no
// more than the size of the picture. Every failure is an *ImageError and not
// temporary.
func CheckImageBytes(data []byte) (Image, error) {
	wrong := func(format string, args ...any) (Image, error) {
		return Image{}, &ImageError{Message: fmt.Sprintf(format, args...)}
	}
	if len(data) == 0 {
		return wrong("the image is empty: use a JPEG, PNG or WebP image")
	}
	if len(data) > MaxImageBytes {
		return wrong("the image has %d bytes: use one of at most %d MiB", len(data), MaxImageBytes>>20)
	}
	f, ok := formatOf(data)
	if !ok {
		return wrong("the image is not a JPEG, PNG or WebP: convert it to one of them, and check that it was not encoded twice")
	}
	config, err := f.decode(bytes.NewReader(data))
	if err != nil {
		return wrong("the image begins like %s and cannot be read: check that it is complete", f.ContentType)
	}
	if config.Width <= 0 || config.Height <= 0 {
		return wrong("the image is %d pixels wide and %d high: use one that shows something", config.Width, config.Height)
	}
	return f.Image, nil
}
