// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Where redirects lead that a client must not follow.
const (
	privateURL  = "http://127.0.0.1:1/x"
	metadataURL = "http://169.254.169.254/latest/meta-data/"
)

// lateRequests is how many requests FileLate does not answer.
const lateRequests = 2

// page is what comes instead of a video.
const page = "<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head>" +
	"<body><h1>Checking your browser</h1><p>Enable JavaScript and cookies to continue.</p></body></html>\n"

// status returns the HTTP status of an answer that may have a body to come: that
// of the request with this number, counted from 1.
func (f FileFault) status(request int, by way) int {
	switch {
	case f == FileGone, f == FileGoneURL && by == byOwnURL, f == FileLate && request <= lateRequests:
		return http.StatusNotFound
	case f == FileForbidden:
		return http.StatusForbidden
	case f == FileBusy, f == FileBusyOnce && request == 1:
		return http.StatusServiceUnavailable
	default:
		return http.StatusOK
	}
}

// target returns where the path of a file is redirected to, empty if it is not.
func (f FileFault) target(path string) string {
	switch f {
	case FileRedirect:
		return movedFolder + path
	case FileRedirectPrivate:
		return privateURL
	case FileRedirectMetadata:
		return metadataURL
	default:
		return ""
	}
}

// send answers with the file, or with what comes in its place at the request with
// this number.
func (f file) send(w http.ResponseWriter, r *http.Request, request int) {
	w.Header().Set("Content-Type", f.contentType)
	switch f.faults.Fault {
	case FileHTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		f.sendPlain(w, page)
	case FileHTMLAsMP4:
		f.sendPlain(w, page)
	case FileEndless:
		f.sendEndlessly(w, r)
	case FileNoRanges:
		w.Header().Set("Content-Length", strconv.FormatInt(f.content.size, 10))
		_, _ = io.Copy(w, f.content.reader())
	case FileEmpty:
		f.sendRanges(w, r, content{})
	case FileTruncated:
		f.sendRanges(w, r, f.content.half())
	case FileChanging:
		f.sendRanges(w, r, f.content.changed(request))
	default:
		f.sendRanges(w, r, f.content)
	}
}

// sendEndlessly sends the file until the client is gone or the server ends. The
// server's own timeout is not for what is meant to go on.
func (f file) sendEndlessly(w http.ResponseWriter, r *http.Request) {
	controller := http.NewResponseController(w)
	_ = controller.SetWriteDeadline(time.Time{})
	// A client that does not read holds up a write.
	stop := context.AfterFunc(r.Context(), func() { _ = controller.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	_, _ = io.Copy(w, f.content.endless().reader())
}

// sendPlain sends a text as it is.
func (f file) sendPlain(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	// The client may be gone; there is nobody to tell.
	_, _ = io.WriteString(w, text)
}

// sendRanges sends what is asked for of a content.
func (f file) sendRanges(w http.ResponseWriter, r *http.Request, c content) {
	w.Header().Set("ETag", c.etag())
	reader := c.reader()
	if f.faults.Fault == FileShort {
		reader = &shortReader{reader, c.size / 2}
	}
	http.ServeContent(w, r, "", f.from, reader)
}

// shortReader fails at a place, so that the answer breaks off there.
type shortReader struct {
	io.ReadSeeker
	// end is the place, in bytes from the start.
	end int64
}

func (s *shortReader) Read(p []byte) (int, error) {
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	if at >= s.end {
		return 0, io.ErrUnexpectedEOF
	}
	return s.ReadSeeker.Read(p[:min(int64(len(p)), s.end-at)])
}
