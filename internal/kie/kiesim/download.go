// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"net/http"
	"net/url"
	"path"
	"time"
)

// linkLifetime is how long a link of download-url works.
const linkLifetime = 20 * time.Minute

// link is what a link of download-url leads to.
type link struct {
	path  string
	until time.Time
}

// downloadURL serves POST /api/v1/common/download-url. KIE makes a link for any
// URL that looks like one of its own, whether there is a file behind it or not,
// and the file lives no longer for it.
func (s *Simulator) downloadURL(w http.ResponseWriter, r *http.Request) {
	var target string
	err := decodeFields(http.MaxBytesReader(w, r.Body, maxRequestBytes), []field{{"url", &target}})
	if err != nil {
		s.refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	filePath, own := s.ownPath(r, target)
	if !own {
		s.refuse(w, http.StatusUnprocessableEntity, "url is wrong")
		return
	}
	token := newID()
	s.mu.Lock()
	s.ledger.links[token] = link{path: filePath, until: s.options.Now().Add(linkLifetime)}
	s.mu.Unlock()
	s.succeed(w, s.baseURL(r)+linkFolder+token+url.PathEscape(path.Ext(filePath)))
}

// serveLink serves GET /d/<token>.<extension>.
func (s *Simulator) serveLink(w http.ResponseWriter, r *http.Request) {
	s.countFetch(r)
	name := r.PathValue("file")
	s.mu.Lock()
	target, known := s.ledger.links[name[:len(name)-len(path.Ext(name))]]
	now := s.options.Now()
	s.mu.Unlock()
	if !known || now.After(target.until) {
		http.Error(w, "this link has expired", http.StatusForbidden)
		return
	}
	s.serveFile(w, r, target.path, byLink)
}
