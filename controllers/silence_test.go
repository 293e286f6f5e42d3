// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
)

// One answer that KIE.AI does not know a task, or that it no longer speaks of it,
// does not end what was seen running.
func TestOneAnswerEndsNothing(t *testing.T) {
	for name, answer := range map[string]string{
		"null":     `{"code":200,"msg":"success","data":null}`,
		"422 null": `{"code":422,"msg":"record is null","data":null}`,
		"14 days":  `{"code":422,"msg":"Temporarily supports records within 14 days","data":null}`,
		"404":      `{"code":404,"msg":"not found","data":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{noCallbacks: true})
			w.create("video", prompt("[sim:latency=12m]"))
			once := true
			w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
				if strings.HasSuffix(r.URL.Path, "/record-info") && w.clock.Since(w.sim.State().Tasks[0].CreatedAt) > 11*time.Minute && once {
					once = false
					rw.Header().Set("Content-Type", "application/json")
					_, _ = rw.Write([]byte(answer))
					return
				}
				serve.ServeHTTP(rw, r)
			}
			w.run(time.Hour)
			if once {
				t.Fatal("that answer was never given")
			}
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		})
	}
}

// However long KIE.AI says that it does not know a task, that ends none that it has
// made, also where the process that has seen its record is gone.
func TestWhatWasMadeIsNotGivenUpForSilence(t *testing.T) {
	for name, restart := range map[string]bool{"the same process": false, "another process": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{noCallbacks: true})
			w.create("video", prompt("[sim:latency=20m] [sim:record=data-null-after=2m-for=15m]"))
			w.run(5 * time.Minute)
			if restart {
				w.restart()
			}
			w.run(10 * time.Minute)
			ready := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonGenerating).Status.Conditions[0]
			if !strings.Contains(ready.Message, "does not know") {
				t.Errorf("it says %q", ready.Message)
			}
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		})
	}
}

// What is given up while KIE.AI does not know it is bought again when its user asks
// for that.
func TestWhatIsGivenUpUnknownCanBeBoughtAgain(t *testing.T) {
	w := newWorld(t, worldOptions{noCallbacks: true, paidMost: 2})
	w.create("video", prompt("[sim:latency=2h] [sim:record=data-null-after=2m]"))
	w.run(time.Hour)
	if vg := w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTimedOut); !strings.Contains(vg.Status.Task.Failure.Message, "does not know") {
		t.Errorf("the message is %q", vg.Status.Task.Failure.Message)
	}
	w.update("video", fixture.Resubmit)
	w.run(5 * time.Minute)
	w.wantPaid(2)
}

// A callback that names a task of which KIE.AI has no record does not take the
// place of the one that was bought.
func TestACallbackNamesNoTask(t *testing.T) {
	for name, answer := range map[string]string{
		"null":           `{"code":200,"msg":"success","data":null}`,
		"does not exist": `{"code":422,"msg":"Record does not exist","data":null}`,
		"no result":      `{"code":422,"msg":"record result data is blank","data":null}`,
		"refused":        `{"code":400,"msg":"policy","data":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("video", prompt("[sim:accept-then=drop] [sim:callback=late=20m]"))
			w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
				if r.URL.Query().Get("taskId") == fixture.OtherTaskID {
					rw.Header().Set("Content-Type", "application/json")
					_, _ = rw.Write([]byte(answer))
					return
				}
				serve.ServeHTTP(rw, r)
			}
			w.pass(0)
			if status := w.callBack(w.get("video").Status.Task.Attempt, fixture.OtherTaskID); status != http.StatusOK {
				t.Fatalf("the callback was answered with %d", status)
			}
			w.run(3 * time.Hour)
			if vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded); vg.Status.Task.ID != w.sim.State().Tasks[0].ID {
				t.Errorf("the task is %s", vg.Status.Task.ID)
			}
		})
	}
}

// A record that is sick for longer than KIE.AI keeps it holds no place.
func TestARecordIsSickForEver(t *testing.T) {
	w := newWorld(t, worldOptions{accountLimit: &v1alpha1.AccountLimits{InFlight: 1}})
	w.create("a-sick", prompt("[sim:record-code=500]"))
	w.pass(0)
	w.create("b-other")
	for range 16 {
		w.pass(24 * time.Hour)
	}
	w.run(time.Hour)
	w.wantReady("a-sick", metav1.ConditionFalse, v1alpha1.ReasonTaskExpired)
	w.wantReady("b-other", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}
