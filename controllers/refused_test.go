// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	accountctl "github.com/kie-operator/kie-operator/controllers/account"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// KIE.AI itself may say that it has refused what it makes all the same. Its
// callback is taken, ends the buying, and the task is booked.
func TestARefusedPurchaseIsMadeAllTheSame(t *testing.T) {
	for _, code := range []string{"429", "455", "422"} {
		t.Run(code, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.updateAccount(func(a *v1alpha1.KieAccount) {
				a.Spec.Budget = &v1alpha1.Budget{Credits: "600", Period: metav1.Duration{Duration: 24 * time.Hour}}
			})
			w.answerPurchase(always, madeAnd, "application/json", http.StatusOK, `{"code":`+code+`,"msg":"not now","data":null}`)
			w.create("video", prompt("[sim:latency=2s]"))
			w.run(time.Hour)
			vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(1)
			if idOf(vg) != w.sim.State().Tasks[0].ID || vg.Status.Purchases != 1 || len(vg.Status.RefusedAttempts) > 0 {
				t.Errorf("the status is %+v", vg.Status)
			}
			if spent := w.account().Status.CreditsSpent; spent != "60" {
				t.Errorf("the books say %s credits, want 60", spent)
			}
			w.wantEvent("Warning RefusedAndMade", w.sim.State().Tasks[0].ID)
		})
	}
}

// Where another purchase was made meanwhile, the one that was refused is booked
// and reported.
func TestARefusedPurchaseIsMadeBesideAnother(t *testing.T) {
	w := newWorld(t, worldOptions{paidMost: 2})
	w.refuseOnce()
	w.create("video", prompt("[sim:callback=late=5m]"))
	w.run(time.Hour)
	vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	tasks := w.sim.State().Tasks
	if len(tasks) != 2 || idOf(vg) != tasks[1].ID || len(vg.Status.History) != 1 || vg.Status.History[0].ID != tasks[0].ID {
		t.Errorf("bought are %+v, the status is %+v", tasks, vg.Status)
	}
	w.wantEvent("Warning PaidTwice", tasks[0].ID)
	w.pass(2 * accountctl.CountEvery)
	if spent := w.account().Status.CreditsSpent; spent != "120" {
		t.Errorf("the books say %s credits, want 120", spent)
	}
}

// refuseOnce makes KIE.AI say of the next purchase that it refuses it, and make it
// all the same.
func (w *world) refuseOnce() {
	w.answerPurchase(1, madeAnd, "application/json", http.StatusOK, `{"code":429,"msg":"not now","data":null}`)
}

// recordAnswers is what is said instead of the records of all tasks: nothing, or an
// answer without a record.
type recordAnswers struct{ silent, absent bool }

// answerAboutTasks lets a test say how KIE.AI answers about tasks.
func (w *world) answerAboutTasks() *recordAnswers {
	a, otherwise := &recordAnswers{}, w.onRequest
	w.onRequest = func(n int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
		switch asked := strings.HasSuffix(r.URL.Path, "/record-info"); {
		case asked && a.silent:
			rw.WriteHeader(http.StatusServiceUnavailable)
		case asked && a.absent:
			a.absent = false // once
			rw.Header().Set("Content-Type", "application/json")
			_, _ = rw.Write([]byte(`{"code":200,"msg":"success","data":null}`))
		default:
			otherwise(n, rw, r, serve)
		}
	}
	return a
}

// A refused purchase belongs to the account that it was sent for, wherever the
// resource has been moved meanwhile: that account's key signs the callback, is
// asked with, and its books have it.
func TestARefusedPurchaseOfAnotherAccount(t *testing.T) {
	for name, move := range map[string]func(w *world){
		"moved to one with other keys": func(w *world) {
			w.must(w.live.Create(w.t.Context(), &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "other-keys"},
				StringData: map[string]string{v1alpha1.SecretKeyAPIKey: "another-key", v1alpha1.SecretKeyWebhookHMACKey: "another-hmac-key"},
			}))
			w.createAccount("other", "other-keys", nil)
			w.update("video", withAccount("other"))
		},
		"moved to one that does not exist": func(w *world) { w.update("video", withAccount("missing")) },
	} {
		for budget, withBudget := range budgets {
			t.Run(name+", "+budget, func(t *testing.T) {
				w := newWorld(t, worldOptions{budget: withBudget})
				w.beginPeriod()
				w.refuseOnce()
				w.create("video", prompt("[sim:callback=late=5m]"))
				w.pass(0)
				w.wantPaid(1)
				move(w)
				w.run(time.Hour)
				vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
				w.wantPaid(1)
				if idOf(vg) != w.sim.State().Tasks[0].ID || vg.Status.Account.Name != "default" {
					t.Errorf("task %s of KieAccount %s is in the status", idOf(vg), vg.Status.Account)
				}
				w.wantSpent("60")
			})
		}
	}
}

// A refused purchase is booked for what it was to cost, whatever the price table
// says by then.
func TestARefusedPurchaseKeepsItsPrice(t *testing.T) {
	for name, change := range map[string]func(a *v1alpha1.KieAccount){
		"another price": func(a *v1alpha1.KieAccount) {
			a.Spec.Prices = []v1alpha1.Price{fixture.Price(v1alpha1.ModelFast, v1alpha1.PricedGenerate, "80")}
		},
		"an unreadable table": nil,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{paidMost: 2})
			w.beginPeriod()
			stored := w.withOldPrices()
			w.refuseOnce()
			w.create("video", prompt("[sim:callback=late=5m]"))
			w.run(4 * time.Minute)
			w.wantPaid(2)
			if change != nil {
				w.updateAccount(change)
			}
			stored.broken = change == nil
			w.run(30 * time.Minute)
			if vg := w.get("video"); len(vg.Status.History) != 1 || vg.Status.History[0].Credits != "60" || len(vg.Status.RefusedAttempts) != 0 {
				t.Errorf("the status is %+v", vg.Status)
			}
			stored.broken = false
			w.wantSpent("120")
		})
	}
}

// What a refused purchase was to cost is never taken for 0: where it cannot be
// read, nothing more is bought until somebody has corrected it.
func TestAnUnreadableRefusedPurchaseHoldsTheNext(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.beginPeriod()
	w.refuseOnce()
	w.create("video", prompt("[sim:latency=2s]"))
	w.pass(0)
	w.wantPaid(1)
	set := func(text string) {
		vg := w.get("video")
		before := vg.DeepCopy()
		vg.Status.RefusedAttempts[0].Credits = text
		w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(before)))
	}
	set("n/a")
	w.run(2 * time.Hour)
	vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonUnreadableCredits)
	if message := vg.Status.Conditions[0].Message; !strings.Contains(message, `status.refusedAttempts[0].credits`) || !strings.Contains(message, `"n/a"`) {
		t.Errorf("Ready says %q", message)
	}
	w.wantPaid(1)
	set("60")
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(1)
	w.wantSpent("60")
}

// Without its account nobody can be asked about a refused purchase that was called
// back for. Nothing is bought in its place before somebody has said what it is.
func TestTheAccountOfARefusedPurchaseIsGone(t *testing.T) {
	w := newWorld(t, worldOptions{})
	other := kiesim.New(kiesim.Options{APIKey: fixture.APIKey, Now: w.clock.Now})
	w.secondAccount(other)
	w.refuseOnce()
	records := w.answerAboutTasks()
	records.silent = true
	w.create("video", prompt("[sim:callback=late=5m]"))
	w.pass(0)
	w.update("video", suspended(true))
	w.run(8 * time.Minute)
	account := w.account()
	w.must(w.live.Delete(t.Context(), account))
	w.pass(time.Second)
	w.update("video", func(vg *v1alpha1.VideoGeneration) {
		vg.Spec.AccountRef, vg.Spec.Suspend = &v1alpha1.AccountReference{Name: "other"}, ptr.To(false)
	})
	w.run(time.Hour)
	id := w.sim.State().Tasks[0].ID
	vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonAccountNotFound)
	if message := vg.Status.Conditions[0].Message; !strings.Contains(message, id) || !strings.Contains(message, "/default, which was to pay") {
		t.Errorf("Ready says %q", message)
	}
	if paid := len(other.State().Tasks); paid != 0 {
		t.Errorf("%d videos were bought on the other account, want none", paid)
	}
	records.silent = false
	w.must(w.live.Create(t.Context(), &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: account.Name}, Spec: account.Spec}))
	w.run(time.Hour)
	if vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded); idOf(vg) != id {
		t.Errorf("task %s is in the status, want %s", idOf(vg), id)
	}
}

// Where another purchase was made meanwhile, an Event says of one that cannot be
// asked about what is not known, and it is booked as soon as it can.
func TestARefusedPurchaseIsNotConfirmed(t *testing.T) {
	w := newWorld(t, worldOptions{paidMost: 2})
	w.beginPeriod()
	w.refuseOnce()
	records := w.answerAboutTasks()
	w.create("video", prompt("[sim:callback=late=6m]"))
	w.run(6 * time.Minute)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(2)
	records.silent = true
	w.run(time.Hour)
	w.wantEvent("Warning RefusedNotConfirmed", w.sim.State().Tasks[0].ID)
	records.silent = false
	w.run(time.Hour)
	w.wantEvent("Warning PaidTwice", w.sim.State().Tasks[0].ID)
	w.wantSpent("120")
}

// The user may name the task before its callback does.
func TestARefusedPurchaseIsNamedByItsUser(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.beginPeriod()
	w.refuseOnce()
	w.create("video", prompt("[sim:callback=late=5m]"))
	w.pass(0)
	id := w.sim.State().Tasks[0].ID
	w.update("video", func(vg *v1alpha1.VideoGeneration) {
		metav1.SetMetaDataAnnotation(&vg.ObjectMeta, v1alpha1.AnnotationAdoptTaskID, id)
	})
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(1)
	w.wantSpent("60")
	if w.warned("PaidTwice") {
		t.Error("it says that it was paid twice")
	}
}

// KIE.AI may say once that it knows no such task, when it has just come back.
func TestOneAnswerDoesNotEndARefusedPurchase(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.beginPeriod()
	w.refuseOnce()
	records := w.answerAboutTasks()
	records.silent = true
	w.create("video", prompt("[sim:latency=2s]"))
	w.run(30 * time.Minute)
	w.wantPaid(1)
	records.silent, records.absent = false, true
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(1)
	w.wantSpent("60")
}

// While it is asked about, others of the account buy.
func TestARefusedPurchaseIsInNobodysWay(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.updateAccount(func(a *v1alpha1.KieAccount) { a.Spec.Limits.InFlight = 1 })
	w.pass(0)
	w.refuseOnce()
	records := w.answerAboutTasks()
	records.silent = true
	w.create("video", prompt("[sim:latency=2s]"))
	w.run(20 * time.Minute)
	w.create("other")
	w.run(20 * time.Minute)
	w.wantPaid(2)
	records.silent = false
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantReady("other", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(2)
}

// Two purchases of one resource are refused and made, and their callbacks come
// before KIE.AI can be asked: neither is forgotten for the other.
func TestTwoRefusedPurchasesAreMade(t *testing.T) {
	w := newWorld(t, worldOptions{paidMost: 2})
	w.beginPeriod()
	w.answerPurchase(2, madeAnd, "application/json", http.StatusOK, `{"code":429,"msg":"not now","data":null}`)
	records := w.answerAboutTasks()
	records.silent = true
	w.create("video", prompt("[sim:latency=20s]"))
	w.run(20 * time.Minute)
	w.wantPaid(2)
	records.silent = false
	w.run(time.Hour)
	vg, tasks := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded), w.sim.State().Tasks
	if idOf(vg) != tasks[0].ID || len(vg.Status.History) != 1 || vg.Status.History[0].ID != tasks[1].ID || vg.Status.Purchases != 2 {
		t.Errorf("bought are %+v, the status is %+v", tasks, vg.Status)
	}
	w.wantEvent("Warning PaidTwice", tasks[1].ID)
	w.wantSpent("120")
}

// What keeps KIE.AI from being asked is said, with the task that it is about; and
// KIE.AI's refusal to speak of the task ends the wait, if it lasts.
func TestWhyARefusedPurchaseIsNotConfirmed(t *testing.T) {
	for code, ends := range map[int]bool{401: false, 400: true} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			w := newWorld(t, worldOptions{paidMost: 2})
			w.refuseOnce()
			otherwise := w.onRequest
			w.onRequest = func(n int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
				if !strings.HasSuffix(r.URL.Path, "/record-info") || r.URL.Query().Get("taskId") != w.sim.State().Tasks[0].ID {
					otherwise(n, rw, r, serve)
					return
				}
				rw.Header().Set("Content-Type", "application/json")
				_, _ = fmt.Fprintf(rw, `{"code":%d,"msg":"the prompt was flagged","data":null}`, code)
			}
			w.create("video", prompt("[sim:latency=2s]"))
			w.run(5 * time.Minute)
			vg, id := w.get("video"), w.sim.State().Tasks[0].ID
			if ready := vg.Status.Conditions[0]; !strings.Contains(ready.Message, id) || (!ends && ready.Reason != "Unauthorized") {
				t.Errorf("Ready is %+v, want the task and the cause", ready)
			}
			w.wantPaid(1)
			w.run(time.Hour)
			if want := map[bool]int{true: 2, false: 1}[ends]; w.paid() != want {
				t.Errorf("%d tasks were paid for, want %d", w.paid(), want)
			}
		})
	}
}

// idOf is the task of a resource, empty if it has none.
func idOf(vg *v1alpha1.VideoGeneration) string {
	if vg.Status.Task == nil {
		return ""
	}
	return vg.Status.Task.ID
}
