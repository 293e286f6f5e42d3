// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"bytes"
	_ "embed"
	"net/http"
	"strings"
	"time"
)

//go:generate media/generate.sh

// The videos last eight seconds, whatever duration was asked for.
var (
	//go:embed media/landscape.mp4
	landscapeVideo []byte
	//go:embed media/portrait.mp4
	portraitVideo []byte
)

// serveResult serves GET /v/<task id>_<unix seconds>.mp4, the result of a task
// that succeeded, as long as KIE keeps it.
func (s *Simulator) serveResult(w http.ResponseWriter, r *http.Request) {
	id, _, _ := strings.Cut(r.PathValue("file"), "_")
	t := s.made(id)
	if t == nil || t.resultFile() != r.PathValue("file") {
		http.NotFound(w, r)
		return
	}
	video := landscapeVideo
	if t.request.AspectRatio == portrait {
		video = portraitVideo
	}
	serveVideo(w, r, video, t.finish)
}

// serveOrigin serves GET /o/<task id>.mp4, the video from which a result that is
// not 16:9 was cut.
func (s *Simulator) serveOrigin(w http.ResponseWriter, r *http.Request) {
	t := s.made(strings.TrimSuffix(r.PathValue("file"), ".mp4"))
	if t == nil || t.originURLs() == nil || t.originFile() != r.PathValue("file") {
		http.NotFound(w, r)
		return
	}
	serveVideo(w, r, landscapeVideo, t.finish)
}

// made returns a task whose video exists now, nil if there is none of that id.
func (s *Simulator) made(id string) *task {
	s.countRequest(endpointVideo)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	t := s.ledger.byID[id]
	if t == nil || !t.finished(now) || !t.outcome.succeeded() || now.Sub(t.created) > retention {
		return nil
	}
	return t
}

func serveVideo(w http.ResponseWriter, r *http.Request, video []byte, made time.Time) {
	w.Header().Set("Content-Type", "video/mp4")
	http.ServeContent(w, r, "", made, bytes.NewReader(video))
}

// videoBase returns the start of the URLs of videos.
func (s *Simulator) videoBase(r *http.Request) string {
	if s.options.PublicURL != "" {
		return s.options.PublicURL
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
