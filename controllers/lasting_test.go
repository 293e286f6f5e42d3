// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// What stands in the way of the operator for good, and not for a moment: a
// policy, a gateway, a record that is gone.

// errPolicy is how the API server answers a write that a policy refuses.
var errPolicy = apierrors.NewForbidden(schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "videogenerations"}, "video", errText("a policy denied the request"))

type errText string

func (e errText) Error() string { return string(e) }

// refuseMain refuses every write to the resource itself, and not to its status.
func (w *world) refuseMain(err error) { w.faults.onMain = func() error { return err } }

// adopt gives a resource a task.
func adopt(id string) func(*v1alpha1.VideoGeneration) {
	return annotated(v1alpha1.AnnotationAdoptTaskID, id)
}

// emptyStatus does what somebody with the right to write a status may do.
func (w *world) emptyStatus(name string) {
	w.t.Helper()
	vg := w.get(name)
	before := vg.DeepCopy()
	vg.Status = v1alpha1.VideoGenerationStatus{ObservedGeneration: 1}
	w.must(w.live.Status().Patch(w.t.Context(), vg, client.MergeFrom(before)))
}

// What a gateway says of a purchase is no proof that it was not made: it is found
// by its callback, and never made again.
func TestAGatewayAnswersThePurchase(t *testing.T) {
	for _, status := range []int{307, 400, 401, 403, 404, 413, 421, 429, 431, 502, 503} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.updateAccount(func(a *v1alpha1.KieAccount) {
				a.Spec.Budget = &v1alpha1.Budget{Credits: 120, Period: metav1.Duration{Duration: 24 * time.Hour}}
			})
			first := true
			w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
				if !strings.HasSuffix(r.URL.Path, "/generate") || !first {
					serve.ServeHTTP(rw, r)
					return
				}
				first = false
				serve.ServeHTTP(discard{http.Header{}}, r)
				rw.Header().Set("Content-Type", "text/html")
				rw.WriteHeader(status)
				_, _ = rw.Write([]byte("<html>slow down</html>"))
			}
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

type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// KIE.AI itself may say that it has refused what it makes all the same. Its
// callback is taken, ends the buying, and the task is booked.
func TestARefusedPurchaseIsMadeAllTheSame(t *testing.T) {
	for _, code := range []string{"429", "455", "422"} {
		t.Run(code, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.updateAccount(func(a *v1alpha1.KieAccount) {
				a.Spec.Budget = &v1alpha1.Budget{Credits: 600, Period: metav1.Duration{Duration: 24 * time.Hour}}
			})
			w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
				if !strings.HasSuffix(r.URL.Path, "/generate") {
					serve.ServeHTTP(rw, r)
					return
				}
				serve.ServeHTTP(discard{http.Header{}}, r)
				rw.Header().Set("Content-Type", "application/json")
				_, _ = rw.Write([]byte(`{"code":` + code + `,"msg":"not now","data":null}`))
			}
			w.create("video", prompt("[sim:latency=2s]"))
			w.run(time.Hour)
			vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(1)
			if vg.Status.Task.ID != w.sim.State().Tasks[0].ID || vg.Status.Purchases != 1 || len(vg.Status.RefusedAttempts) > 0 {
				t.Errorf("the status is %+v", vg.Status)
			}
			if spent := w.account().Status.CreditsSpent; spent != "60" {
				t.Errorf("the books say %s credits, want 60", spent)
			}
			w.wantEvent("Warning RefusedAndMade", w.sim.State().Tasks[0].ID)
		})
	}
}

// A policy may refuse every write to the resource itself. What is paid for comes
// to its end all the same, and what is missing is said.
func TestThePolicyRefusesTheResource(t *testing.T) {
	for name, err := range map[string]error{
		"a policy":  errPolicy,
		"no room":   apierrors.NewInvalid(schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: "VideoGeneration"}, "video", nil),
		"a webhook": apierrors.NewInternalError(errText("failed calling webhook")),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.refuseMain(err)
			w.create("video", in(v1alpha1.Resolution4K))
			w.run(time.Minute)
			if vg := w.get("video"); !meta.IsStatusConditionTrue(vg.Status.Conditions, v1alpha1.ConditionTaskIDNotMirrored) {
				t.Errorf("after a minute the conditions are %+v", vg.Status.Conditions)
			}
			w.wantEvent("Warning TaskIDNotMirrored", v1alpha1.AnnotationTaskID)
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantUpgrades(1)
			w.faults.onMain = nil
			w.run(time.Hour)
			vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			if !isMirrored(vg) || vg.Annotations[v1alpha1.AnnotationTaskID] == "" {
				t.Errorf("the annotations are %v", vg.Annotations)
			}
			if meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionTaskIDNotMirrored) != nil {
				t.Error("it still says that the task id is not mirrored")
			}
		})
	}
}

// A 422 for the status is only somebody faster if the resource says so. Else it
// is said, and tried again at a pace that grows.
func TestThePolicyRefusesTheStatus(t *testing.T) {
	w := newWorld(t, worldOptions{})
	refused := apierrors.NewInvalid(schema.GroupKind{Group: v1alpha1.GroupVersion.Group, Kind: "VideoGeneration"}, "video", nil)
	w.faults.onWrite = func(n int, do func() error) error {
		if n >= 3 { // after the intent and its annotation
			return refused
		}
		return do()
	}
	w.create("video")
	w.pass(0)
	id := w.sim.State().Tasks[0].ID
	w.wantEvent("Warning StatusNotWritten", id)
	writes := w.faults.writes.Load()
	w.pass(10 * time.Second)
	if more := w.faults.writes.Load() - writes; more > 20 {
		t.Errorf("%d writes in 10 seconds", more)
	}
	w.faults.onWrite = nil
	w.run(time.Hour)
	if vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded); vg.Status.Task.ID != id {
		t.Errorf("the task is %s, and %s is paid for", vg.Status.Task.ID, id)
	}
}

// A finalizer that is refused is said where the storing is said. Who does not
// need it has the video stored without.
func TestTheFinalizerIsRefused(t *testing.T) {
	w := newStoringWorld(t, v1alpha1.DeletionDelete)
	w.refuseMain(errPolicy)
	w.create("video")
	w.run(time.Hour)
	vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonStorageFailed)
	w.wantFailure(vg, finalizerRefused)
	w.wantEvent("Warning StorageFailed", v1alpha1.FinalizerStoredVideos)
	if files := w.filesStored(); len(files) > 0 {
		t.Errorf("stored without the finalizer: %v", files)
	}
	w.setPolicy(v1alpha1.DeletionRetain)
	w.run(time.Hour)
	w.wantStored(w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded), "720p.mp4")
}

// kie.ai/adopt-task-id acts once. A purchase that is lost later is another one.
func TestAnAdoptionActsOnce(t *testing.T) {
	w := newWorld(t, worldOptions{paidMost: 2})
	w.create("other", prompt("[sim:fail=501]"))
	w.run(time.Hour)
	failed := w.get("other").Status.Task.ID
	w.create("video", adopt(failed))
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonGenerationFailed)
	w.sim.SetFaults(kiesim.Faults{AcceptThen: kiesim.AcceptThenDrop})
	w.update("video", resubmit)
	w.run(time.Hour)
	w.sim.SetFaults(kiesim.Faults{})
	vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if bought := w.sim.State().Tasks[1].ID; vg.Status.Task.ID != bought {
		t.Errorf("the task is %s, and %s was bought", vg.Status.Task.ID, bought)
	}
}

// The same id can be adopted again, after its annotation was removed.
func TestAnAdoptionIsAskedForAgain(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("other", prompt("[sim:record=null-for=30m]"))
	w.pass(0)
	id := w.sim.State().Tasks[0].ID
	w.create("video", adopt(id))
	w.run(15 * time.Minute)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTaskNotFound)
	w.clock.SetTime(w.clock.Now().Add(time.Hour))
	w.update("video", func(vg *v1alpha1.VideoGeneration) { delete(vg.Annotations, v1alpha1.AnnotationAdoptTaskID) })
	w.pass(0)
	w.update("video", adopt(id))
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

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
				if r.URL.Query().Get("taskId") == otherTaskID {
					rw.Header().Set("Content-Type", "application/json")
					_, _ = rw.Write([]byte(answer))
					return
				}
				serve.ServeHTTP(rw, r)
			}
			w.pass(0)
			if status := w.callBack(w.get("video").Status.Task.Attempt, otherTaskID); status != http.StatusOK {
				t.Fatalf("the callback was answered with %d", status)
			}
			w.run(3 * time.Hour)
			if vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded); vg.Status.Task.ID != w.sim.State().Tasks[0].ID {
				t.Errorf("the task is %s", vg.Status.Task.ID)
			}
		})
	}
}

// A process that is told to stop while the intent is written sends what it has
// begun. One that was told before begins nothing.
func TestToldToStopWhileTheIntentIsWritten(t *testing.T) {
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.faults.onWrite = func(n int, do func() error) error {
				if n == 1 && when == "before" {
					w.sigterm()
				}
				err := do()
				if n == 1 && when == "after" {
					w.sigterm()
				}
				return err
			}
			w.create("video")
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(1)
		})
	}
}

// A process that was frozen between the intent and the request does not send
// what its successor has given up.
func TestFrozenBeforeTheRequest(t *testing.T) {
	for write, name := range map[int]string{1: "while the intent is written", 2: "while it is mirrored"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.faults.onWrite = func(n int, do func() error) error {
				err := do()
				if n == write {
					w.clock.SetTime(w.clock.Now().Add(3 * time.Minute))
				}
				return err
			}
			w.create("video")
			w.pass(0)
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
			w.wantPaid(1)
			if task := w.sim.State().Tasks[0]; task.CreatedAt.After(w.get("video").Status.Task.SubmittedAt.Add(submitTimeout)) {
				t.Errorf("it was sent at %s, and decided at %s", task.CreatedAt, w.get("video").Status.Task.SubmittedAt)
			}
		})
	}
}

// A status that is emptied, by whomever, does not make the operator buy again.
func TestTheStatusIsEmptied(t *testing.T) {
	for name, tt := range map[string]struct {
		faults  kiesim.Faults
		restart bool
		reason  string
	}{
		"while the answer is lost":                {kiesim.Faults{AcceptThen: kiesim.AcceptThenDrop}, false, v1alpha1.ReasonSucceeded},
		"while the answer is lost, and a restart": {kiesim.Faults{AcceptThen: kiesim.AcceptThenDrop}, true, v1alpha1.ReasonSucceeded},
		"while it is being made":                  {kiesim.Faults{}, false, v1alpha1.ReasonSucceeded},
		"while it is being made, and a restart":   {kiesim.Faults{}, true, v1alpha1.ReasonSucceeded},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.sim.SetFaults(tt.faults)
			w.create("video")
			w.pass(0)
			w.sim.SetFaults(kiesim.Faults{})
			if tt.restart {
				w.restart()
			}
			w.emptyStatus("video")
			w.run(2 * time.Hour)
			w.wantReady("video", metav1.ConditionTrue, tt.reason)
			w.wantPaid(1)
		})
	}
	t.Run("between the id and its annotation", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.after(3, func() { w.emptyStatus("video") })
		w.create("video")
		w.run(2 * time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantPaid(1)
	})
	t.Run("restored to before another try", func(t *testing.T) {
		w := newWorld(t, worldOptions{paidMost: 2})
		w.sim.SetFaults(kiesim.Faults{Fail: 501})
		w.create("video", attempts(2))
		w.run(90 * time.Second)
		before := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonWaitingToRetry)
		w.sim.SetFaults(kiesim.Faults{})
		w.run(10 * time.Minute)
		vg := w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		was := vg.DeepCopy()
		vg.Status = before.Status
		w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(was)))
		w.written.regressions = nil
		w.run(time.Hour)
		w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		w.wantPaid(2)
		w.written.regressions = nil
	})
}

// However a mistake elsewhere comes about, no more is bought than the user has
// asked for.
func TestThePurchaseLimit(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = new(true) })
	w.pass(0)
	vg := w.get("video")
	before := vg.DeepCopy()
	vg.Status.Purchases = 1 // as if one were forgotten
	w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(before)))
	w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonPurchaseLimitReached)
	w.wantPaid(0)
	w.wantEvent("Warning PurchaseLimitReached", "kie.ai/logs")
	w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Retry.MaxAttempts = 2 })
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
}

// A purchase in doubt is made again by another account when its own is gone, and
// by one that becomes ready later.
func TestAnotherAccountBuysAgain(t *testing.T) {
	for name, gone := range map[string]bool{"the first is gone": true, "the other is ready later": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{paidMost: 2})
			w.sim.SetFaults(kiesim.Faults{AcceptThen: kiesim.AcceptThenDrop, NoCallback: true})
			w.create("video")
			w.run(time.Hour)
			w.sim.SetFaults(kiesim.Faults{})
			w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
			if gone {
				w.must(w.live.Delete(t.Context(), w.account()))
				w.pass(time.Second)
			}
			w.update("video", func(vg *v1alpha1.VideoGeneration) {
				resubmit(vg)
				vg.Spec.AccountRef = &v1alpha1.AccountReference{Name: "other"}
			})
			w.pass(time.Second)
			w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonAccountNotFound)
			w.must(w.live.Create(t.Context(), &v1alpha1.KieAccount{
				ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "other"},
				Spec:       v1alpha1.KieAccountSpec{CredentialsSecretRef: v1alpha1.SecretReference{Name: "kie-credentials"}, BaseURL: w.kieServer.URL},
			}))
			w.pass(0)
			w.wantPaid(2)
			w.run(time.Hour)
			w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		})
	}
}

// Without its account a task that was given up waits for it when it is asked for
// again.
func TestTheAccountOfAGivenUpTaskIsGone(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", prompt("[sim:latency=3h]"))
	w.run(40 * time.Minute)
	w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonTimedOut)
	w.must(w.live.Delete(t.Context(), w.account()))
	w.pass(time.Second)
	w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Timeout = &metav1.Duration{Duration: 20 * time.Hour} })
	w.pass(time.Second)
	w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonAccountNotFound)
}

// A budget begins no period twice, whatever the clock of a leader says.
func TestAPeriodBeginsOnce(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.updateAccount(func(a *v1alpha1.KieAccount) {
		a.Spec.Budget = &v1alpha1.Budget{Credits: 60, Period: metav1.Duration{Duration: 24 * time.Hour}}
	})
	midnight := w.clock.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	for _, at := range []time.Duration{10 * time.Minute, -5 * time.Minute, 12 * time.Minute, 18 * time.Minute} {
		w.clock.SetTime(midnight.Add(at))
		w.restart()
		w.create("video-" + strings.ReplaceAll(at.String(), ".", "-"))
		for range 3 {
			w.pass(time.Second)
		}
	}
	w.wantPaid(1)
}

// What was spent is the same after any restart, with a budget and without.
func TestWhatWasSpentOutlivesTheProcess(t *testing.T) {
	for name, budget := range map[string]*v1alpha1.Budget{"no budget": nil, "a budget": {Credits: 1000, Period: metav1.Duration{Duration: 24 * time.Hour}}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.clock.SetTime(w.clock.Now().UTC().Truncate(24 * time.Hour).Add(24*time.Hour + 500*time.Millisecond))
			w.updateAccount(func(a *v1alpha1.KieAccount) { a.Spec.Budget = budget })
			for i := range 6 {
				w.create("video-"+string(rune('a'+i)), attempts(1))
				w.pass(700 * time.Millisecond)
				w.restart()
			}
			w.run(time.Hour)
			w.wantPaid(6)
			w.pass(time.Minute)
			if spent := w.account().Status.CreditsSpent; spent != "360" {
				t.Errorf("the books say %s credits, want 360", spent)
			}
		})
	}
}

// An account of the name of an earlier one has books of its own, and nothing is
// kept of one that is gone.
func TestAnAccountOfTheSameName(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video")
	w.pass(0)
	old := w.account()
	w.must(w.live.Delete(t.Context(), old))
	w.must(w.live.Create(t.Context(), &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: old.Name}, Spec: old.Spec}))
	w.clock.SetTime(w.clock.Now().Add(time.Minute))
	w.run(time.Hour)
	if spent := w.account().Status.CreditsSpent; spent != "0" {
		t.Errorf("the new account has spent %s credits, want 0", spent)
	}
	w.must(w.live.Delete(t.Context(), w.account()))
	w.pass(time.Second)
	w.proc.accounts.Ledger.mu.Lock()
	defer w.proc.accounts.Ledger.mu.Unlock()
	if n := len(w.proc.accounts.Ledger.accounts); n > 0 {
		t.Errorf("%d accounts are remembered, and there is none", n)
	}
}

// Without a price nothing is bought, and books that cannot be read allow nothing.
func TestNoPriceIsNotZero(t *testing.T) {
	t.Run("the estimate is no source", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.updateAccount(func(a *v1alpha1.KieAccount) {
			a.Spec.Budget = &v1alpha1.Budget{Credits: 30, Period: metav1.Duration{Duration: 24 * time.Hour}}
		})
		w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = new(true) })
		w.pass(0)
		vg := w.get("video")
		before := vg.DeepCopy()
		vg.Status.EstimatedCredits = "n/a"
		w.must(w.live.Status().Patch(t.Context(), vg, client.MergeFrom(before)))
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
		w.pass(time.Second)
		w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonBudgetExhausted)
		w.wantPaid(0)
	})
	t.Run("the books cannot be read", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.updateAccount(func(a *v1alpha1.KieAccount) {
			a.Spec.Budget = &v1alpha1.Budget{Credits: 60, Period: metav1.Duration{Duration: 24 * time.Hour}}
		})
		w.pass(0)
		account := w.account()
		before := account.DeepCopy()
		account.Status.CreditsSpent = "n/a"
		w.must(w.live.Status().Patch(t.Context(), account, client.MergeFrom(before)))
		w.create("video")
		w.pass(time.Second)
		vg := w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonBudgetExhausted)
		if !strings.Contains(vg.Status.Conditions[0].Message, "status.creditsSpent") {
			t.Errorf("it says %q", vg.Status.Conditions[0].Message)
		}
		w.wantPaid(0)
	})
	t.Run("a resolution without one", func(t *testing.T) {
		vg := video("video")
		vg.Spec.Resolution = "8k"
		if _, ok := priceOf(vg, pricesOf(&v1alpha1.KieAccount{})); ok {
			t.Error("there is a price for 8k")
		}
	})
}

// What KIE.AI charged beyond the price table is booked, and said once.
func TestThePriceDiffers(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.updateAccount(func(a *v1alpha1.KieAccount) {
		a.Spec.Budget = &v1alpha1.Budget{Credits: 1000, Period: metav1.Duration{Duration: 24 * time.Hour}}
	})
	for _, name := range []string{"a", "b"} {
		w.create(name, prompt("[sim:credits-consumed=90]"))
	}
	w.run(time.Hour)
	if spent := w.account().Status.CreditsSpent; spent != "180" {
		t.Errorf("the books say %s credits, want 180", spent)
	}
	said := 0
	for _, e := range w.events {
		if strings.HasPrefix(e, "Warning PriceDiffers") {
			said++
		}
	}
	if said != 1 {
		t.Errorf("it was said %d times, want once", said)
	}
}

// A resource that somebody else's finalizer holds learns the end of what is paid
// for, and buys nothing more.
func TestHeldBySomebodyElse(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video", attempts(3), func(vg *v1alpha1.VideoGeneration) { vg.Finalizers = []string{"example.com/hold"} })
	w.pass(0)
	w.must(w.live.Delete(t.Context(), w.get("video")))
	w.run(time.Hour)
	w.wantReady("video", metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	w.wantPaid(1)
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
