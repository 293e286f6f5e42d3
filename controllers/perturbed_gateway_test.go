//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
)

// pageStatuses are answers of something in front of KIE.AI, such as a gateway, a
// firewall or a proxy.
var pageStatuses = []int{200, 302, 307, 308, 400, 401, 402, 403, 404, 407, 408, 409, 413, 421, 422, 425, 429, 431, 500, 502, 503, 504, 524}

// behindGateway are the plans in which a page answers a request to KIE.AI, which
// was made or was not. Whatever its status is, it says nothing of KIE.AI.
func behindGateway(_ workload, count effects) (plans []plan) {
	for _, n := range count.points() {
		request := count.requests[n-1]
		ways := map[string]bool{"not made": false}
		switch request {
		case "video", "object":
			continue // which have no envelope, and whose status is an answer
		case "generate", "extend", "upload", "get-1080p-video", "get-4k-video":
			ways["made"] = true
		}
		for _, status := range pageStatuses {
			for _, name := range inOrderOf(ways) {
				made := ways[name]
				plans = append(plans, plan{name: fmt.Sprintf("request %d %s and answered by a page with %d", n, name, status), aid: asMessagesSay, disturb: func(w *world, happened func()) {
					w.atRequest(n, func(rw http.ResponseWriter, r *http.Request, serve http.Handler) {
						happened()
						if made {
							serve.ServeHTTP(httptest.NewRecorder(), r)
						}
						answerPage(rw, r, status)
					})
				}})
			}
		}
	}
	return plans
}

// answerPage answers as something in front of KIE.AI does. A redirect leads back,
// so that whoever follows it makes the request again.
func answerPage(rw http.ResponseWriter, r *http.Request, status int) {
	if status >= 300 && status < 400 {
		rw.Header().Set("Location", r.URL.RequestURI())
	}
	rw.Header().Set("Content-Type", "text/html")
	rw.WriteHeader(status)
	_, _ = fmt.Fprintf(rw, "<html><body><h1>%d</h1></body></html>", status)
}
