// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"fmt"
	"math"
	"mime"
	"net/http"
	"sync"
)

// Simulator is one account of a simulated KIE. It is safe for concurrent use.
type Simulator struct {
	options Options
	mux     *http.ServeMux
	// wake tells Run that something new may be due. It holds one signal at most.
	wake chan struct{}

	mu     sync.Mutex
	ledger ledger
}

// New returns a simulator. It panics if Options.Validate returns an error.
func New(options Options) *Simulator {
	if err := options.Validate(); err != nil {
		panic("kiesim: " + err.Error())
	}
	options = options.withDefaults()
	s := &Simulator{
		options: options,
		mux:     http.NewServeMux(),
		wake:    make(chan struct{}, 1),
		ledger:  newLedger(options),
	}
	s.mux.HandleFunc("POST /api/v1/veo/generate", s.api(endpointGenerate, s.generate))
	s.mux.HandleFunc("POST /api/v1/veo/extend", s.api(endpointExtend, s.extend))
	s.mux.HandleFunc("GET /api/v1/veo/record-info", s.api(endpointRecordInfo, s.recordInfo))
	s.mux.HandleFunc("GET /api/v1/veo/get-1080p-video", s.api(endpoint1080p, s.get1080p))
	s.mux.HandleFunc("POST /api/v1/veo/get-4k-video", s.api(endpoint4K, s.get4K))
	s.mux.HandleFunc("GET /api/v1/chat/credit", s.api(endpointCredit, s.credit))
	s.mux.HandleFunc("POST /api/v1/common/download-url", s.api(endpointDownloadURL, s.downloadURL))
	s.mux.HandleFunc("POST /api/file-stream-upload", s.upload("multipart/form-data", s.uploadStream))
	s.mux.HandleFunc("POST /api/file-base64-upload", s.upload("application/json", s.uploadBase64))
	s.mux.HandleFunc("POST /api/file-url-upload", s.upload("application/json", s.uploadURL))
	for _, folder := range []string{resultFolder, originFolder, upgradeFolder, filmFolder} {
		s.mux.HandleFunc("GET "+folder+"{file}", s.serveMedia)
	}
	s.mux.HandleFunc("GET "+uploadFolder, s.serveUpload)
	s.mux.HandleFunc("GET "+linkFolder+"{file}", s.serveLink)
	s.mux.HandleFunc("GET "+movedFolder+"/{path...}", s.serveMoved)
	s.mux.HandleFunc("GET /_sim/state", s.serveState)
	s.mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	s.mux.HandleFunc("/", s.api(endpointOther, func(w http.ResponseWriter, _ *http.Request) {
		s.refuse(w, http.StatusNotFound, "")
	}))
	return s
}

// ServeHTTP serves the API, uploads, the videos and uploaded files, GET /_sim/state and GET /healthz.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mux.ServeHTTP(w, r)
}

// SetFaults changes the fate of the tasks and upgrades that are accepted from now
// on.
func (s *Simulator) SetFaults(faults Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.faults = faults
}

// SetCredits changes the balance, also to less than zero. It panics if the number
// cannot be written as JSON.
func (s *Simulator) SetCredits(credits float64) {
	if math.IsNaN(credits) || math.IsInf(credits, 0) {
		panic(fmt.Sprintf("kiesim: a balance of %v cannot be answered", credits))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.settle(s.options.Now())
	s.ledger.balance = credits
}

// SetAPIKey changes the bearer token that is expected. Empty accepts any.
func (s *Simulator) SetAPIKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.apiKey = key
}

// SetOnAccepted sets a function that is called after a submission was accepted
// and charged and before it is answered. It may block or crash the client; other
// requests go on meanwhile. Nil removes it.
func (s *Simulator) SetOnAccepted(hook func(Task)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.onAccepted = hook
}

// SetOnUpgradeAccepted is SetOnAccepted for upgrades.
func (s *Simulator) SetOnUpgradeAccepted(hook func(Upgrade)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.onUpgradeAccepted = hook
}

// PaidByCallback returns the number of accepted tasks, that is generations and
// extensions, by the last path segment of their callback URL. More than one for a
// segment means that a video was bought twice. Tasks without a callback URL are not
// in it.
func (s *Simulator) PaidByCallback() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	paid := make(map[string]int)
	for _, t := range s.ledger.tasks {
		if t.callbackURL != "" {
			paid[t.attempt()]++
		}
	}
	return paid
}

// PaidUpgradesByBase returns the number of accepted upgrades by the id of the task
// that they were made from: at most one for 1080p and one for 4K.
func (s *Simulator) PaidUpgradesByBase() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	paid := make(map[string]int)
	for _, u := range s.ledger.upgrades {
		paid[u.of.id]++
	}
	return paid
}

// api wraps a handler of the API in what KIE asks of every request: a client that
// names itself, a bearer token, and a Content-Type of JSON, which a GET may leave
// out.
func (s *Simulator) api(endpoint string, handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.countRequest(endpoint)
		switch {
		case s.interrupt(w, r, endpoint):
		case r.UserAgent() == "":
			s.refuseBare(w)
		case !s.authorized(r, "application/json"):
			s.refuse(w, http.StatusUnauthorized, "")
		default:
			handle(w, r)
		}
	}
}

// authorized reports whether a request carries the bearer token and the media type
// that is asked for: KIE blames either with the same answer.
func (s *Simulator) authorized(r *http.Request, want string) bool {
	s.mu.Lock()
	key := s.ledger.apiKey
	s.mu.Unlock()
	declared := r.Header.Get("Content-Type")
	got, _, err := mime.ParseMediaType(declared)
	if leftOut := declared == "" && r.Method == http.MethodGet; !leftOut && (err != nil || got != want) {
		return false
	}
	return key == "" || r.Header.Get("Authorization") == "Bearer "+key
}

// credit answers the balance: a bare number, which may have a fraction.
func (s *Simulator) credit(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	s.ledger.settle(s.options.Now())
	balance := s.ledger.roundedBalance()
	s.mu.Unlock()
	s.succeed(w, balance)
}

// wakeRun lets Run look at what is due.
func (s *Simulator) wakeRun() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
