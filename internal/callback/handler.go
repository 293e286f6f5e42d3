// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/listen"
)

// Options are what a handler needs. All but Informers, Registerer and Log are
// required.
type Options struct {
	// Reader is the cache, with the index that IndexAttempts adds.
	Reader client.Reader
	// Informers fill the cache. Without them it is not known whether the cache is behind, and an attempt that it does
	// not have is looked up at the API server, a few times in a second at most.
	Informers *Informers
	// APIReader reads from the API server itself.
	APIReader client.Reader
	// Writer writes the status of VideoGenerations.
	Writer client.StatusWriter
	// Credentials has the keys that callbacks are signed with.
	Credentials *credentials.Store
	// Clock tells the time that signatures are compared with and receipts are stamped with.
	Clock clock.PassiveClock
	// Registerer takes the metric kie_callbacks_total. With nil, it is not registered.
	Registerer prometheus.Registerer
	// Log gets a line for each callback that is accepted and, at V(1), for each that is not.
	Log logr.Logger
}

type handler struct {
	cache       client.Reader
	live        client.Reader
	writer      client.StatusWriter
	credentials *credentials.Store
	clock       clock.PassiveClock
	requests    *prometheus.CounterVec
	log         logr.Logger

	answerTimeout, bodyTimeout, unseenGrace, unseenTimeout time.Duration

	informers *Informers    // nil if nobody knows whether the cache is behind
	unseen    chan struct{} // has one element for each request with an attempt that the cache does not have
	line      *line         // of callbacks with an attempt that is known
	// lookups says how often an attempt may be looked up past the cache.
	lookups *rate.Limiter
}

// NewHandler returns the handler of POST /v1/callbacks/<attempt>. There is
// nothing else under any path.
func NewHandler(options Options) http.Handler { return newHandler(options) }

func newHandler(options Options) *handler {
	return &handler{
		cache:       options.Reader,
		live:        options.APIReader,
		writer:      options.Writer,
		credentials: options.Credentials,
		clock:       options.Clock,
		requests:    newCounter(options.Registerer),
		log:         options.Log,

		answerTimeout: answerTimeout,
		bodyTimeout:   bodyTimeout,
		unseenGrace:   unseenGrace,
		unseenTimeout: unseenTimeout,
		informers:     options.Informers,
		unseen:        make(chan struct{}, maxUnseen),
		line:          newLine(options.Clock, lineLimits{limit: maxPlaces, writers: maxWriters, pace: firstPace}),
		lookups:       rate.NewLimiter(maxLookups, 2*maxLookups),
	}
}

// ServeHTTP answers one request and records what became of it.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	result := h.bounded(w, r)
	result.counter(h.requests).Inc()
	if result != accepted {
		h.log.V(1).Info("callback not accepted", "outcome", result.name)
	}
	result.answer(w)
	r.Header = nil // net/http keeps the request for half a second more if it has refused a long body
	listen.Release(r.Context())
}

// bounded handles a request within the limit on time. A panic ends as an answer
// like any other. Its value, which may quote the request, does not go to the
// log; the stack holds addresses only.
func (h *handler) bounded(w http.ResponseWriter, r *http.Request) (result *outcome) {
	defer func() {
		if recover() != nil {
			h.log.Error(nil, "panic while a callback was handled", "stack", string(debug.Stack()))
			result = panicked
		}
	}()
	ctx, cancel := context.WithTimeout(r.Context(), h.answerTimeout)
	defer cancel()
	return h.handle(ctx, w, r)
}

// handle decides what becomes of a request. The steps are in the order of what
// they cost, and of what a sender has to know to get so far.
func (h *handler) handle(ctx context.Context, w http.ResponseWriter, r *http.Request) *outcome {
	came := h.clock.Now()
	attempt, ok := attempts.FromPath(r.URL.EscapedPath())
	if !ok {
		return unknownPath
	}
	// The method comes before the look-up, so that the answer to a wrong one says nothing about the token.
	if r.Method != http.MethodPost {
		return wrongMethod
	}
	r.Header = needed(r.Header)
	vg, refused := h.find(ctx, attempt)
	if refused != nil {
		return refused
	}
	callback, refused := h.read(ctx, w, r)
	isNameless := refused == nameless && isUpgrade(vg, attempt)
	if refused != nil && !isNameless {
		return refused
	}
	if !h.line.enter(lineTimeout - h.clock.Since(came)) {
		return tooMany
	}
	defer h.line.leave()
	if !listen.Hold(ctx) {
		return brokenOff
	}
	if isNameless {
		return h.handleNameless(ctx, vg, attempt, callback, r.Header)
	}
	to, _ := addresseeOf(vg, attempt)
	if refused := h.authenticate(ctx, to, callback.TaskID, r.Header); refused != nil {
		return refused
	}
	result := h.deliver(ctx, vg, attempt, callback)
	if result == accepted {
		h.log.Info("callback received", "namespace", vg.Namespace, "name", vg.Name, "task", callback.TaskID)
	}
	return result
}

// handleNameless takes a callback that names no task, as KIE.AI sends for an
// upgrade that has failed. It counts for the task that its signature is made for.
func (h *handler) handleNameless(ctx context.Context, vg *v1alpha1.VideoGeneration, attempt string, callback kie.Callback, header http.Header) *outcome {
	to, _ := addresseeOf(vg, attempt)
	refused := nameless
	for _, callback.TaskID = range to.ids {
		if refused = h.authenticate(ctx, to, callback.TaskID, header); refused == nil {
			return h.deliver(ctx, vg, attempt, callback)
		}
	}
	return refused
}
