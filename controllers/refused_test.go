// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	accountctl "github.com/kie-operator/kie-operator/controllers/account"
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
			if vg.Status.Task == nil || vg.Status.Task.ID != w.sim.State().Tasks[0].ID || vg.Status.Purchases != 1 || len(vg.Status.RefusedAttempts) > 0 {
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
	w.answerPurchase(1, madeAnd, "application/json", http.StatusOK, `{"code":429,"msg":"not now","data":null}`)
	w.create("video", prompt("[sim:callback=late=5m]"))
	w.run(time.Hour)
	vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	tasks := w.sim.State().Tasks
	if len(tasks) != 2 || vg.Status.Task.ID != tasks[1].ID || len(vg.Status.History) != 1 || vg.Status.History[0].ID != tasks[0].ID {
		t.Errorf("bought are %+v, the status is %+v", tasks, vg.Status)
	}
	w.wantEvent("Warning PaidTwice", tasks[0].ID)
	w.pass(2 * accountctl.CountEvery)
	if spent := w.account().Status.CreditsSpent; spent != "120" {
		t.Errorf("the books say %s credits, want 120", spent)
	}
}
