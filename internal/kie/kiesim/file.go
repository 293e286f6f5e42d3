// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Where files are, by what they are: the URL paths begin with these.
const (
	resultFolder  = "/v/"
	originFolder  = "/o/"
	upgradeFolder = "/p/"
	filmFolder    = "/f/"
	uploadFolder  = "/kieai/"
)

// file is something that is served under a URL of the simulator.
type file struct {
	contentType string
	content     []byte
	// from and until are the first and the last moment of its existence.
	from, until time.Time
	// linked is the last moment of its own URL, after which only links of
	// download-url lead to it. Zero means that of its existence.
	linked time.Time
}

// exists reports whether the file is kept at a time.
func (f file) exists(now time.Time) bool {
	return !now.Before(f.from) && !now.After(f.until)
}

// serveMedia serves the URL of a video or of a picture of one.
func (s *Simulator) serveMedia(w http.ResponseWriter, r *http.Request) {
	s.countRequest(endpointVideo)
	s.serveFile(w, r, r.URL.Path, false)
}

// serveUpload serves the URL of an uploaded file.
func (s *Simulator) serveUpload(w http.ResponseWriter, r *http.Request) {
	s.countRequest(endpointUploaded)
	s.serveFile(w, r, r.URL.Path, false)
}

// serveFile serves the file of a path, by its own URL or by a link.
func (s *Simulator) serveFile(w http.ResponseWriter, r *http.Request, path string, byLink bool) {
	s.mu.Lock()
	now := s.options.Now()
	f, known := s.ledger.files[path]
	s.mu.Unlock()
	if !known || !f.exists(now) || !byLink && !f.linked.IsZero() && now.After(f.linked) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.contentType)
	http.ServeContent(w, r, "", f.from, bytes.NewReader(f.content))
}

// baseURL returns the start of the URLs of files, without a slash at the end.
func (s *Simulator) baseURL(r *http.Request) string {
	if s.options.PublicURL != "" {
		return s.options.PublicURL
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// ownPath returns the path of a URL that begins as those of the simulator's files
// do. It reports false for any other text.
func (s *Simulator) ownPath(r *http.Request, text string) (string, bool) {
	rest, own := strings.CutPrefix(text, s.baseURL(r)+"/")
	if !own {
		return "", false
	}
	u, err := url.Parse("/" + strings.TrimLeft(rest, "/"))
	if err != nil {
		return "", false
	}
	return u.Path, true
}
