// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// rarely waits for a state that takes the API server long to show: it does not
// keep it from its work with asking.
func rarely(t *testing.T, what string, condition func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), time.Second, 3*patience, true, func(context.Context) (bool, error) { return condition(), nil })
	if err != nil {
		t.Fatalf("%s: did not happen", what)
	}
}

// A thousand videos of one namespace and ten of another wait on one account,
// which sells 20 in a window. The leader is killed in the middle of it. Never
// are there more than 20 submissions in a window, KIE.AI never has to refuse
// one, nothing is paid for twice, and the ten are among the first.
func TestAThousandVideosAndTen(t *testing.T) {
	const (
		many, few   = 1000, 10
		perWindow   = 20
		window      = time.Second // ten times as fast as KIE.AI
		concurrency = 16
	)
	users := usersClient(t)
	sim, url := serveSimulator(t, kiesim.Options{Latency: time.Second, RateLimit: perWindow, RateWindow: window, Credits: 1e6})
	for namespace, n := range map[string]int{"many": many, "few": few} {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
		if err := users.Create(t.Context(), ns); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			vg := &v1alpha1.VideoGeneration{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("video-%d", i)},
				Spec:       v1alpha1.VideoGenerationSpec{Prompt: fmt.Sprintf("%s/video-%d", namespace, i)},
			}
			if err := users.Create(t.Context(), vg); err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() {
			if err := users.DeleteAllOf(context.Background(), &v1alpha1.VideoGeneration{}, client.InNamespace(namespace)); err != nil {
				t.Error(err)
			}
		})
	}
	base := "http://" + freeAddress(t)
	args := []string{"--leader-elect", "--callback-base-url", base, "--submission-recovery-window", "20s", "--max-concurrent-reconciles", fmt.Sprint(concurrency)}
	leader := startPlainManager(t, freeAddress(t), args...)
	eventually(t, "the first process leads", leader.leads)
	other := startPlainManager(t, strings.TrimPrefix(base, "http://"), args...)
	eventually(t, "the second process takes callbacks", other.listens)

	// They all wait on an account whose key is not valid yet. Then it is.
	sim.SetAPIKey("not-this-one")
	createAccount(t, users, url, v1alpha1.AccountLimits{Submissions: perWindow, Window: metav1.Duration{Duration: window}, InFlight: 200})
	rarely(t, "all of them are in the queue", func() bool {
		account := &v1alpha1.KieAccount{}
		if err := users.Get(t.Context(), client.ObjectKey{Namespace: testenv.OperatorNamespace, Name: v1alpha1.DefaultAccountName}, account); err != nil {
			t.Fatal(err)
		}
		return account.Status.Queued != nil && *account.Status.Queued == many+few
	})
	sim.SetAPIKey(canaryAPIKey)
	rarely(t, "half of them are bought", func() bool { return sim.State().PaidTasks >= (many+few)/2 })
	if err := leader.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var succeeded, unknown int
	rarely(t, "all of them come to an end", func() bool {
		ended := map[string]int{}
		for _, namespace := range []string{"many", "few"} {
			var view v1alpha1.VideoGenerationList
			if err := users.List(t.Context(), &view, client.InNamespace(namespace)); err != nil {
				t.Fatal(err)
			}
			for i := range view.Items {
				if ready := meta.FindStatusCondition(view.Items[i].Status.Conditions, v1alpha1.ConditionReady); ready != nil {
					ended[ready.Reason]++
				}
			}
		}
		succeeded, unknown = ended[v1alpha1.ReasonSucceeded], ended[v1alpha1.ReasonSubmissionUnknown]
		return succeeded+unknown == many+few
	})

	state := sim.State()
	if state.MaxInWindow.Submissions > perWindow || state.Refused429 != 0 {
		t.Errorf("%d submissions in one window, %d refused; want at most %d and none", state.MaxInWindow.Submissions, state.Refused429, perWindow)
	}
	// Who was about to buy when the process was killed cannot know whether it did.
	if unknown > concurrency || state.PaidTasks != succeeded {
		t.Errorf("%d succeeded, of %d nobody knows, and %d were paid for", succeeded, unknown, state.PaidTasks)
	}
	paid := map[string]int{}
	last := 0
	for i, task := range state.Tasks {
		paid[task.Prompt]++
		if paid[task.Prompt] > 1 {
			t.Errorf("%s was paid for %d times", task.Prompt, paid[task.Prompt])
		}
		if strings.HasPrefix(task.Prompt, "few/") {
			last = i + 1
		}
	}
	// The namespaces take turns; what is on its way at a time may overtake.
	if among := 2*few + concurrency; last > among {
		t.Errorf("the last of the %d was bought as number %d, want it among the first %d", few, last, among)
	}
	t.Logf("%d succeeded, %d unknown, %d paid; at most %d in a window; the last of the few was number %d", succeeded, unknown, state.PaidTasks, state.MaxInWindow.Submissions, last)
}
