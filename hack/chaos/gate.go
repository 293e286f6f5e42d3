// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"time"
)

// Words in a prompt that say what happens to the first purchase of a video, on any
// account. Later purchases go as the simulator's markers say.
const (
	// firstRefused is not bought, and has no answer.
	firstRefused = "first:refused"
	// firstUnheard is bought, has no answer, and no callback of it comes through.
	firstUnheard = "first:unheard"
)

// arrival is a request to buy that has reached KIE.AI.
type arrival struct {
	account string
	prompt  string
	at      time.Time
	// images are the URLs of its images.
	images []string
}

// gates stand before the KIE.AIs of all accounts: they note which purchases have
// arrived there, and let first ones go wrong.
type gates struct {
	mu sync.Mutex
	// arrived is by attempt, first by the name in the prompt.
	arrived map[string]arrival
	first   map[string]string
}

func newGates() *gates { return &gates{arrived: map[string]arrival{}, first: map[string]string{}} }

// before returns the KIE.AI of an account behind its gate.
func (g *gates) before(account string, sim http.Handler, r *receivers) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.Method != http.MethodPost || !strings.HasPrefix(request.URL.Path, "/api/v1/veo/") {
			sim.ServeHTTP(w, request)
			return
		}
		body, err := io.ReadAll(request.Body)
		var asked struct {
			Prompt      string   `json:"prompt"`
			CallBackURL string   `json:"callBackUrl"`
			ImageURLs   []string `json:"imageUrls"`
		}
		if err != nil || json.Unmarshal(body, &asked) != nil {
			panic(http.ErrAbortHandler) // only half of it came
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
		attempt := path.Base(asked.CallBackURL)
		isFirst := asked.Prompt != "" && g.note(attempt, arrival{account: account, prompt: asked.Prompt, at: time.Now(), images: asked.ImageURLs})
		switch {
		case isFirst && strings.Contains(asked.Prompt, firstRefused):
			panic(http.ErrAbortHandler)
		case isFirst && strings.Contains(asked.Prompt, firstUnheard):
			r.mute(attempt)
			sim.ServeHTTP(httptest.NewRecorder(), request)
			panic(http.ErrAbortHandler)
		default:
			sim.ServeHTTP(w, request)
		}
	})
}

// note notes the arrival of an attempt, and reports whether it is the first one
// for its video.
func (g *gates) note(attempt string, a arrival) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.arrived[attempt] = a
	if _, known := g.first[a.prompt]; !known {
		g.first[a.prompt] = attempt
	}
	return g.first[a.prompt] == attempt
}

// arrivals returns what has arrived, by attempt.
func (g *gates) arrivals() map[string]arrival {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make(map[string]arrival, len(g.arrived))
	for attempt, a := range g.arrived {
		all[attempt] = a
	}
	return all
}
