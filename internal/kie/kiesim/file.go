// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
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
	// linkFolder has the links of download-url, and movedFolder the whole paths of
	// other folders.
	linkFolder  = "/d/"
	movedFolder = "/moved"
)

// file is something that is served under a URL of the simulator.
type file struct {
	contentType string
	content     content
	// from and until are when it begins and ceases to exist.
	from, until time.Time
	// linked is until when its own URL works; after that only links of download-url
	// lead to it. Zero means for as long as it exists.
	linked time.Time

	faults FileFaults
	// visits is nil for a file without faults. The simulator's lock guards it.
	visits *visits
}

// visits counts the requests for a file so far.
type visits struct {
	// requests counts the requests for it, by whatever URL.
	requests int
	// cut is set once an answer broke off.
	cut bool
}

// exists reports whether the file is kept at a time.
func (f file) exists(now time.Time) bool {
	return !now.Before(f.from) && !now.After(f.until)
}

// way is the kind of URL by which a file is asked for.
type way int

const (
	// byOwnURL is the URL of the file in records and callbacks.
	byOwnURL way = iota
	// byLink is one of download-url.
	byLink
	// byRedirect is the one that FileRedirect leads to.
	byRedirect
)

// serveMedia serves the URL of a video or of a picture of one.
func (s *Simulator) serveMedia(w http.ResponseWriter, r *http.Request) {
	s.countFetch(r)
	s.serveFile(w, r, r.URL.Path, byOwnURL)
}

// serveMoved serves the URL that FileRedirect leads to.
func (s *Simulator) serveMoved(w http.ResponseWriter, r *http.Request) {
	s.countFetch(r)
	s.serveFile(w, r, "/"+r.PathValue("path"), byRedirect)
}

// serveUpload serves the URL of an uploaded file.
func (s *Simulator) serveUpload(w http.ResponseWriter, r *http.Request) {
	s.countRequest(endpointUploaded)
	s.serveFile(w, r, r.URL.Path, byOwnURL)
}

// serveFile serves the file of a path, as its faults say.
func (s *Simulator) serveFile(w http.ResponseWriter, r *http.Request, path string, by way) {
	f, request, found := s.visit(path, by)
	if !found {
		http.NotFound(w, r)
		return
	}
	if status := f.faults.Fault.status(request, by); status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
		return
	}
	if target := f.faults.Fault.target(path); target != "" && by != byRedirect {
		http.Redirect(w, r, target, http.StatusFound) //nolint:gosec // to where the fault says
		return
	}
	f.send(s.paced(w, r, f), r, request)
}

// visit finds what there is at a path and counts the request. It returns the
// number of requests for the file, this one included.
func (s *Simulator) visit(path string, by way) (f file, request int, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	f, known := s.ledger.files[path]
	if !known || !f.exists(now) || by == byOwnURL && !f.linked.IsZero() && now.After(f.linked) {
		return file{}, 0, false
	}
	if f.visits == nil {
		return f, 1, true
	}
	f.visits.requests++
	return f, f.visits.requests, true
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
