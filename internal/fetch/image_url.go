// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

const (
	// checkTimeout bounds a check of a URL, redirects and all.
	checkTimeout = 20 * time.Second
	// startBytes is as much of a file as tells its kind.
	startBytes = 512
)

// CheckImageURL checks that there is an image at a URL that KIE.AI can take: one
// that is served without credentials, of a supported kind and not too large. It
// asks for the headers, and where those do not settle it, or are refused, for the
// first bytes. An image of unknown length is accepted. Every failure is an
// *ImageError.
func (f *Fetcher) CheckImageURL(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	u, err := parseURL(address)
	if err != nil {
		return &ImageError{Message: "the URL of the image cannot be read: use one like https://example.com/image.png"}
	}
	settled, err := f.checkHeaders(ctx, u)
	if settled || err != nil {
		return err
	}
	return f.checkStart(ctx, u)
}

// imageAt is an error about the image at a URL.
func imageAt(u *url.URL, words string, temporary bool, cause error) *ImageError {
	return &ImageError{Temporary: temporary, Message: fmt.Sprintf("the image at %s cannot be used: %s", place(u), words), cause: cause}
}

// checkLength compares a declared length, -1 where there is none.
func checkLength(u *url.URL, length int64) error {
	switch {
	case length == 0:
		return imageAt(u, "it is empty: check the URL", false, nil)
	case length > MaxImageBytes:
		return imageAt(u, fmt.Sprintf("it has %d bytes: use one of at most %d MiB", length, MaxImageBytes>>20), false, nil)
	default:
		return nil
	}
}

// do sends a request. The lack of an answer is an *ImageError.
func (f *Fetcher) do(req *http.Request) (*http.Response, error) {
	resp, err := f.images.Do(req)
	if err != nil {
		words, temporary := noAnswer(err)
		return nil, imageAt(req.URL, words, temporary, withoutURL(err))
	}
	return resp, nil
}

// checkHeaders settles the matter if the headers are those of an image, or of
// one that is too large, or if the host fails. Everything else may be due to how the
// host treats HEAD: some refuse it, and many signed links are not valid for it.
func (f *Fetcher) checkHeaders(ctx context.Context, u *url.URL) (settled bool, err error) {
	req, err := request(ctx, http.MethodHead, u, 0, 0)
	if err != nil {
		return false, imageAt(u, "its URL cannot be used: correct it", false, nil)
	}
	resp, err := f.do(req)
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusOK:
		if resp.ContentLength <= 0 {
			return false, nil
		}
		if err := checkLength(u, resp.ContentLength); err != nil {
			return false, err
		}
		contentType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		return err == nil && formatNamed(contentType), nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		words, temporary := otherStatus(resp.StatusCode)
		return false, imageAt(u, words, temporary, nil)
	default:
		return false, nil
	}
}

// checkStart looks at the first bytes.
func (f *Fetcher) checkStart(ctx context.Context, u *url.URL) error {
	req, err := request(ctx, http.MethodGet, u, 0, startBytes-1)
	if err != nil {
		return imageAt(u, "its URL cannot be used: correct it", false, nil)
	}
	req.Header.Set("Accept", "image/jpeg, image/png, image/webp")
	resp, err := f.do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()

	var length int64
	switch resp.StatusCode {
	case http.StatusOK: // the host ignores the range
		length = resp.ContentLength
	case http.StatusPartialContent:
		_, length = contentRange(resp.Header.Get("Content-Range"))
	case http.StatusRequestedRangeNotSatisfiable: // there is no first byte
		length = 0
	default:
		words, temporary := otherStatus(resp.StatusCode)
		return imageAt(u, words, temporary, nil)
	}
	if err := checkLength(u, length); err != nil {
		return err
	}
	start, err := io.ReadAll(io.LimitReader(resp.Body, startBytes))
	if err != nil {
		words, temporary := noAnswer(err)
		return imageAt(u, words, temporary, withoutURL(err))
	}
	if len(start) == 0 {
		return checkLength(u, 0)
	}
	if _, ok := formatOf(start); !ok {
		return imageAt(u, "it is not a JPEG, PNG or WebP: link to the image itself and not to a page that shows it, or convert it", false, nil)
	}
	return nil
}
