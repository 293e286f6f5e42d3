// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// post sends a request to buy through a gate, and returns the status; 0 for no answer.
func post(t *testing.T, url, prompt, attempt string) int {
	t.Helper()
	body := fmt.Sprintf(`{"prompt":%q,"callBackUrl":"http://here/v1/callbacks/%s","imageUrls":["http://kie/image"]}`, prompt, attempt)
	response, err := http.Post(url+"/api/v1/veo/generate", "application/json", strings.NewReader(body))
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

func TestGate(t *testing.T) {
	for _, tt := range []struct {
		word string
		// first is the answer to the first purchase, sold how many of two are made.
		first, sold int
		muted       bool
	}{
		{"", http.StatusOK, 2, false},
		{firstRefused, 0, 1, false},
		{firstUnheard, 0, 2, true},
	} {
		var (
			mu   sync.Mutex // of the two accounts' handlers
			sold []string
		)
		kie := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			var asked struct {
				CallBackURL string `json:"callBackUrl"`
			}
			if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			sold = append(sold, asked.CallBackURL)
		})
		g, r := newGates(), newReceivers()
		here, there := httptest.NewServer(g.before("account-1", kie, r)), httptest.NewServer(g.before("account-2", kie, r))
		prompt := canaryPrompt + " chaos-0/video-1 " + tt.word
		if got := post(t, here.URL, prompt, "attempt-1"); got != tt.first {
			t.Errorf("%q: the first purchase is answered %d, want %d", tt.word, got, tt.first)
		}
		if got := post(t, there.URL, prompt, "attempt-2"); got != http.StatusOK {
			t.Errorf("%q: the second purchase, on another account, is answered %d", tt.word, got)
		}
		here.Close()
		there.Close()
		if len(sold) != tt.sold {
			t.Errorf("%q: %q are sold, want %d", tt.word, sold, tt.sold)
		}
		if r.isMuted("attempt-1") != tt.muted || r.isMuted("attempt-2") {
			t.Errorf("%q: muted are %v", tt.word, r.muted)
		}
		arrived := g.arrivals()
		if a := arrived["attempt-2"]; len(arrived) != 2 || a.account != "account-2" || len(a.images) != 1 {
			t.Errorf("%q: arrived are %+v", tt.word, arrived)
		}
	}
}

func TestGateLetsOtherRequestsPass(t *testing.T) {
	asked := 0
	kie := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ })
	g := newGates()
	server := httptest.NewServer(g.before("account-1", kie, newReceivers()))
	defer server.Close()
	response, err := http.Get(server.URL + "/api/v1/veo/record-info?taskId=1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if asked != 1 || len(g.arrivals()) != 0 {
		t.Errorf("%d questions have passed, and %d purchases are noted", asked, len(g.arrivals()))
	}
}

func TestMutedCallbacksAreNotSent(t *testing.T) {
	called := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called++ }))
	defer server.Close()
	r := newReceivers()
	r.mute("attempt-1")
	for _, attempt := range []string{"attempt-1", "attempt-2"} {
		response, err := r.client().Post(server.URL+"/v1/callbacks/"+attempt, "application/json", strings.NewReader("{}"))
		if err == nil {
			response.Body.Close()
		}
	}
	if called != 1 || len(r.answersTo("attempt-1")) != 1 || r.answersTo("attempt-1")[0] != 0 || r.answersTo("attempt-2")[0] != http.StatusOK {
		t.Errorf("%d were called, answers are %v and %v", called, r.answersTo("attempt-1"), r.answersTo("attempt-2"))
	}
}
