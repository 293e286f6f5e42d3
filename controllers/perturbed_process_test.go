//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"
)

// unaided is for lives in which there is nothing that a user should have to do.
func unaided(*world) {}

// terminated are the plans in which the process is told to end at an effect: before
// it, or when it is made and not heard of yet, or right after. The reconcile that
// is under way returns, and the next process goes on. Nobody has to do anything.
func terminated(load workload, count effects) (plans []plan) {
	ways := map[string]func(w *world, e write) error{
		"before": func(w *world, e write) error { w.sigterm(); return e.do() },
		"after":  func(w *world, e write) error { defer w.sigterm(); return e.do() },
		"in the midst of": func(w *world, e write) error {
			if err := e.do(); err != nil {
				return err
			}
			w.sigterm()
			return e.ctx.Err() // it is stored, and who does not wait any more does not hear of it
		},
	}
	aid := unaided
	if load.name == "moved" || load.name == "moved from an account that is gone" {
		aid = nil
	}
	for n := 1; n <= len(count.writes); n++ {
		for _, name := range inOrderOf(ways) {
			at := ways[name]
			plans = append(plans, plan{name: fmt.Sprintf("SIGTERM %s write %d", name, n), aid: aid, disturb: func(w *world, happened func()) {
				w.atEffect(n, func(e write) error { happened(); return at(w, e) })
			}})
		}
	}
	for _, n := range count.points() {
		plans = append(plans,
			plan{name: fmt.Sprintf("SIGTERM when request %d is made", n), aid: aid, disturb: func(w *world, happened func()) {
				w.atRequest(n, func(rw http.ResponseWriter, r *http.Request, serve http.Handler) {
					happened()
					answer := httptest.NewRecorder()
					serve.ServeHTTP(answer, r)
					w.sigterm()
					copyAnswer(rw, answer)
				})
			}},
			plan{name: fmt.Sprintf("SIGTERM when request %d arrives", n), aid: aid, disturb: func(w *world, happened func()) {
				w.atRequest(n, func(rw http.ResponseWriter, r *http.Request, serve http.Handler) {
					happened()
					w.sigterm()
					serve.ServeHTTP(rw, r)
				})
			}})
	}
	return plans
}

func copyAnswer(rw http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for name, values := range answer.Header() {
		rw.Header()[name] = values
	}
	rw.WriteHeader(answer.Code)
	_, _ = rw.Write(answer.Body.Bytes())
}

// frozen are the plans in which the process stands still at an effect while the
// wall clock goes on: for longer than a purchase may be on its way, and for longer
// than everything that is waited for.
func frozen(_ workload, count effects) (plans []plan) {
	for _, d := range []time.Duration{3 * time.Minute, 40 * time.Minute} {
		for n := 1; n <= len(count.writes); n++ {
			plans = append(plans,
				plan{name: fmt.Sprintf("frozen for %s before write %d", d, n), aid: asMessagesSay, disturb: func(w *world, happened func()) {
					w.atEffect(n, func(e write) error { happened(); w.freeze(d); return e.do() })
				}},
				plan{name: fmt.Sprintf("frozen for %s after write %d", d, n), aid: asMessagesSay, disturb: func(w *world, happened func()) {
					w.atEffect(n, func(e write) error { happened(); defer w.freeze(d); return e.do() })
				}})
		}
		for _, n := range count.points() {
			plans = append(plans,
				plan{name: fmt.Sprintf("frozen for %s before request %d is made", d, n), aid: asMessagesSay, disturb: func(w *world, happened func()) {
					w.atRequest(n, func(rw http.ResponseWriter, r *http.Request, serve http.Handler) {
						happened()
						w.freeze(d)
						serve.ServeHTTP(rw, r)
					})
				}},
				plan{name: fmt.Sprintf("frozen for %s when request %d is made", d, n), aid: asMessagesSay, disturb: func(w *world, happened func()) {
					w.atRequest(n, func(rw http.ResponseWriter, r *http.Request, serve http.Handler) {
						happened()
						answer := httptest.NewRecorder()
						serve.ServeHTTP(answer, r)
						w.freeze(d)
						copyAnswer(rw, answer)
					})
				}})
		}
	}
	return plans
}
