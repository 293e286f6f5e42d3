//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
)

// intermediate are the plans in which an effect fails, or is made and its answer
// is lost, or is made and the process dies.
func intermediate(_ workload, count effects) (plans []plan) {
	ways := map[string]func(do func() error) error{
		"fails": func(func() error) error { return errServer },
		"answer lost": func(do func() error) error {
			if err := do(); err != nil {
				return err
			}
			return errTimeout
		},
		"then a crash": func(do func() error) error {
			if err := do(); err != nil {
				return err
			}
			panic(errCrash)
		},
	}
	for n := 1; n <= len(count.writes); n++ {
		for _, name := range inOrderOf(ways) {
			at := ways[name]
			plans = append(plans, plan{name: fmt.Sprintf("write %d %s", n, name), disturb: func(w *world, happened func()) {
				w.atWrite(n, func(do func() error) error { happened(); return at(do) })
			}})
		}
	}
	requests := map[string]func(w *world, rw http.ResponseWriter, r *http.Request, serve http.Handler){
		"fails": func(*world, http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) },
		"answer lost": func(_ *world, _ http.ResponseWriter, r *http.Request, serve http.Handler) {
			serve.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		},
		"then a crash": func(w *world, _ http.ResponseWriter, r *http.Request, serve http.Handler) {
			serve.ServeHTTP(httptest.NewRecorder(), r)
			w.dead.Store(true)
			panic(http.ErrAbortHandler)
		},
	}
	for _, n := range count.points() {
		for _, name := range inOrderOf(requests) {
			at := requests[name]
			plans = append(plans, plan{name: fmt.Sprintf("request %d %s", n, name), disturb: func(w *world, happened func()) {
				w.atRequest(n, func(rw http.ResponseWriter, r *http.Request, serve http.Handler) { happened(); at(w, rw, r, serve) })
			}})
		}
	}
	return plans
}

// stale are the plans in which the cache is behind after a write, or shows the
// resource that was there before.
func stale(_ workload, count effects) (plans []plan) {
	const looks = 3 // one of each reconciler
	for n := 1; n <= len(count.writes); n++ {
		for _, behind := range []int{1, 3} {
			plans = append(plans, plan{name: fmt.Sprintf("cache %d behind after write %d", behind, n), disturb: func(w *world, happened func()) {
				w.after(n, func() { happened(); w.staleGets, w.behind = looks, behind })
			}})
		}
		plans = append(plans, plan{name: fmt.Sprintf("replaced after write %d", n), may: 1, disturb: func(w *world, happened func()) {
			w.after(n, func() {
				happened()
				if w.isGone("video") || len(w.get("video").Finalizers) > 0 {
					return // it cannot be replaced, or not before its finalizer is gone
				}
				w.recreate(nil)
				w.staleGets, w.behind = looks, 1
			})
		}})
	}
	return plans
}

// unobserved are the plans in which a change is seen only together with later ones.
func unobserved(_ workload, count effects) (plans []plan) {
	for n := 1; n <= len(count.writes); n++ {
		plans = append(plans, plan{name: fmt.Sprintf("write %d not seen", n), disturb: func(w *world, happened func()) {
			w.after(n, func() { happened(); w.unseen = 2 })
		}})
	}
	return plans
}

// atWrite does something at a write of the controller from now on.
func (w *world) atWrite(number int, at func(do func() error) error) {
	first := int(w.faults.writes.Load())
	w.faults.onWrite = func(n int, do func() error) error {
		if n == first+number {
			return at(do)
		}
		return do()
	}
}

// atEffect is atWrite for those who have to know what is written.
func (w *world) atEffect(number int, at func(write) error) {
	first := int(w.faults.writes.Load())
	w.faults.onEffect = func(e write) error {
		if e.number == first+number {
			return at(e)
		}
		return e.do()
	}
}

// atRequest does something at a request from now on. What does not answer lets it be served.
func (w *world) atRequest(number int, at func(rw http.ResponseWriter, r *http.Request, serve http.Handler)) {
	first := int(w.requests.Load())
	w.onRequest = func(n int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
		if n == first+number {
			at(rw, r, serve)
			return
		}
		serve.ServeHTTP(rw, r)
	}
}
