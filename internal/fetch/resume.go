// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/kie-operator/kie-operator/internal/mp4"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// open asks for the file, from the offset on. There is a body afterwards, or an
// error, and whether to ask again.
func (d *Download) open() (again bool, err error) {
	d.attempt, d.drop = context.WithCancelCause(d.whole)
	defer d.fetcher.after(maxSilence, d.giveUp(d.drop))()
	req, err := d.request()
	if err != nil {
		return false, d.failure(transfer.LinkRefused, "its link cannot be used: another one is needed", withoutURL(err))
	}
	resp, err := d.fetcher.client.Do(req) //nolint:bodyclose // release closes it
	if err != nil {
		again, failure := d.judge(err)
		d.release()
		return again, failure
	}
	d.body = resp.Body
	// A host that notices that the client is gone may answer something; see take for the same at the end of a body.
	if err := d.attempt.Err(); err != nil {
		again, failure := d.judge(err)
		d.release()
		return again, failure
	}
	if again, failure := d.accept(resp); failure != nil {
		d.release()
		return again, failure
	}
	return false, nil
}

// request asks for all of the file, and after a break for the rest of the same
// one: If-Range lets a host that has another one by now send all of that.
func (d *Download) request() (*http.Request, error) {
	req, err := http.NewRequestWithContext(d.attempt, http.MethodGet, d.url.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	if !d.begun {
		return req, nil
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.offset))
	switch {
	case d.etag != "" && !strings.HasPrefix(d.etag, "W/"): // a weak one is not allowed here
		req.Header.Set("If-Range", d.etag)
	case d.modified != "":
		req.Header.Set("If-Range", d.modified)
	}
	return req, nil
}

// accept checks that an answer brings what was asked for.
func (d *Download) accept(resp *http.Response) (again bool, failure *transfer.StorageError) {
	first, total := contentRange(resp.Header.Get("Content-Range"))
	switch status := resp.StatusCode; status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return false, d.failure(transfer.LinkDead, fmt.Sprintf("its host answers %d: it is gone, or its link has expired, and another link is needed", status), nil)
	case http.StatusOK:
		if d.offset > 0 {
			return false, d.changed()
		}
		total = resp.ContentLength
	case http.StatusPartialContent:
		if !d.begun || first != d.offset || total <= d.offset {
			return false, d.changed()
		}
	case http.StatusRequestedRangeNotSatisfiable: // the connection broke after the last byte, and the length was not known
		if !d.begun || d.size >= 0 || total != d.offset {
			return false, d.changed()
		}
	default:
		words, again := otherStatus(status)
		return again, d.failure(transfer.DownloadFailed, words, nil)
	}
	switch encoding := resp.Header.Get("Content-Encoding"); {
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return false, d.failure(transfer.NotVideo, "its host sends it compressed: it is to be sent as it is", mp4.ErrNotVideo)
	case total > d.fetcher.maxVideo:
		return false, d.tooLarge()
	case d.begun && !d.same(resp.Header, total):
		return false, d.changed()
	}
	if !d.begun {
		d.begun = true
		d.etag, d.modified = resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")
	}
	d.size = total
	return false, nil
}

// same says whether an answer is about the file that the first one was about, as
// far as one can tell. A host may leave out what the first one said.
func (d *Download) same(header http.Header, total int64) bool {
	differ := func(before, now string) bool { return before != "" && now != "" && before != now }
	return (d.size < 0 || d.size == total) &&
		!differ(d.etag, header.Get("ETag")) &&
		!differ(d.modified, header.Get("Last-Modified"))
}

func (d *Download) changed() *transfer.StorageError {
	return d.failure(transfer.DownloadFailed, "its host breaks off and does not send the rest, or has another file by now: it is to be downloaded from the start", nil)
}
