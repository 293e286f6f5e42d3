// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/controllers/generation"
)

// What a gateway says of a purchase is no proof that it was not made: it is found
// by its callback, and never made again.
func TestAGatewayAnswersThePurchase(t *testing.T) {
	for _, status := range []int{307, 400, 401, 403, 404, 413, 421, 429, 431, 502, 503} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.updateAccount(func(a *v1alpha1.KieAccount) {
				a.Spec.Budget = &v1alpha1.Budget{Credits: "120", Period: metav1.Duration{Duration: 24 * time.Hour}}
			})
			w.answerPurchase(1, madeAnd, "text/html", status, "<html>slow down</html>")
			w.create("video", prompt("[sim:latency=2s]"))
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(1)
			if spent := w.account().Status.CreditsSpent; spent != "60" {
				t.Errorf("the books say %s credits, want 60", spent)
			}
		})
	}
}

// Whether KIE.AI makes a purchase that something else answers.
const (
	madeAnd = true
	unmade  = false
)

// always is the number of times that never ends.
const always = math.MaxInt

// answerPurchase answers the next purchases as something does that stands in front
// of KIE.AI, or as KIE.AI does itself.
func (w *world) answerPurchase(times int, made bool, contentType string, status int, body string) {
	w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
		if !strings.HasSuffix(r.URL.Path, "/generate") || times == 0 {
			serve.ServeHTTP(rw, r)
			return
		}
		times--
		if made {
			serve.ServeHTTP(discard{http.Header{}}, r)
		}
		rw.Header().Set("Content-Type", contentType)
		rw.WriteHeader(status)
		_, _ = rw.Write([]byte(body))
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header { return d.header }

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (discard) WriteHeader(int) {}

// While a gateway answers, most of what is sent to it ends unknown: an account
// waits a little before it sends the next purchase, though it may go in at once.
func TestAnAccountPausesBehindAGateway(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.answerPurchase(1, unmade, "text/html", http.StatusBadGateway, "<html>slow down</html>")
	w.create("first")
	w.pass(time.Second)
	began := w.clock.Now()
	w.create("second")
	w.run(time.Hour)
	first := w.wantReady("first", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
	second := w.wantReady("second", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(1)
	if waited := second.Status.Task.SubmittedAt.Sub(first.Status.Task.SubmittedAt.Time); waited < generation.GatewayPause || waited > generation.GatewayPause+time.Minute {
		t.Errorf("the second purchase came %s after the first and %s after it could, want %s", waited, second.Status.Task.SubmittedAt.Sub(began), generation.GatewayPause)
	}
}
