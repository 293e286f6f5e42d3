// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/state"
)

// versions are the resourceVersions of what was written to the API server, so
// that a test knows what a cache has to show without asking again and again.
type versions struct {
	mu sync.Mutex
	of map[string]string
	// history has the versions of VideoGenerations by name, the oldest first.
	history map[string][]*v1alpha1.VideoGeneration
	// regressions are ends that did not stay.
	regressions []string
	// now tells the time.
	now func() time.Time
	// known is when the id of a task was first in a status.
	known map[string]time.Time
	// paidBy is the account of a task that was bought, by its id.
	paidBy map[string]string
	// books is what each account last said that it had spent in each period, by its UID and the period.
	books map[string]credits.Amount
}

// before returns the version of a VideoGeneration that was there so many writes
// ago, or the first.
func (v *versions) before(name string, behind int) *v1alpha1.VideoGeneration {
	v.mu.Lock()
	defer v.mu.Unlock()
	history := v.history[name]
	if len(history) == 0 {
		return nil
	}
	return history[max(len(history)-1-behind, 0)]
}

// historyOf lists the versions of one VideoGeneration, the oldest first. Another
// one of the same name is left out.
func (v *versions) historyOf(of client.Object) (history []*v1alpha1.VideoGeneration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, vg := range v.history[of.GetName()] {
		if vg.UID == of.GetUID() {
			history = append(history, vg)
		}
	}
	return history
}

// maxFlaps is how often a resource may go back to what it said before.
const maxFlaps = 8

// flapping names the resources that say one thing and another in turn. Each time is
// a write, and wakes everybody who watches.
func (v *versions) flapping() (names []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for name, history := range v.history {
		var said []string
		flaps, most := 0, 0
		for _, vg := range history {
			ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady)
			if ready != nil && ready.Reason == v1alpha1.ReasonSubmitting {
				said, flaps = nil, 0 // a purchase is tried again however often, and each try begins anew
			}
			if ready == nil || (len(said) > 0 && said[len(said)-1] == ready.Message) {
				continue
			}
			if len(said) > 1 && said[len(said)-2] == ready.Message {
				flaps++
				most = max(most, flaps)
			}
			said = append(said, ready.Message)
		}
		if most > maxFlaps {
			names = append(names, fmt.Sprintf("%s, %d times, at last %q", name, most, said))
		}
	}
	return names
}

// payers are the accounts of the tasks that were bought, by their ids.
func (v *versions) payers() map[string]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.paidBy)
}

// remember adds a version, and compares its end with that of the one before.
func (v *versions) remember(vg *v1alpha1.VideoGeneration) {
	if v.history == nil {
		v.history = map[string][]*v1alpha1.VideoGeneration{}
	}
	history := v.history[vg.Name]
	if len(history) > 0 {
		if last := history[len(history)-1]; regressed(last, vg) {
			v.regressions = append(v.regressions, fmt.Sprintf("%s went from %v to %v", vg.Name,
				meta.FindStatusCondition(last.Status.Conditions, v1alpha1.ConditionReady), meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady)))
		}
	}
	v.history[vg.Name] = append(history, vg.DeepCopy())
	if task := vg.Status.Task; task != nil && task.ID != "" {
		if _, ok := v.known[task.ID]; !ok {
			if v.known == nil {
				v.known = map[string]time.Time{}
			}
			v.known[task.ID] = v.now()
		}
		if _, ok := v.paidBy[task.ID]; !ok && !state.IsAdopted(task) {
			if v.paidBy == nil {
				v.paidBy = map[string]string{}
			}
			v.paidBy[task.ID] = vg.Status.Account.String()
		}
	}
}

// regressed reports whether a resource has come from its end to something else
// though nobody has touched it. What was given up can come back.
func regressed(before, after *v1alpha1.VideoGeneration) bool {
	was, is := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady), meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReady)
	if was == nil || was.Status == metav1.ConditionUnknown || before.UID != after.UID || before.Status.ObservedGeneration != after.Status.ObservedGeneration {
		return false
	}
	switch was.Reason {
	case v1alpha1.ReasonTimedOut, v1alpha1.ReasonSubmissionUnknown, v1alpha1.ReasonTaskNotFound, v1alpha1.ReasonUpgradeFailed,
		v1alpha1.ReasonInvalidImage, v1alpha1.ReasonInvalidTaskID, v1alpha1.ReasonInvalidSource, v1alpha1.ReasonSourceFailed:
		return false
	}
	if task := after.Status.Task; len(before.Status.RefusedAttempts) > 0 && task != nil && task.ID != "" {
		return false // KIE.AI has made what it said it had refused
	}
	byUser := before.Annotations[v1alpha1.AnnotationResubmit] != after.Annotations[v1alpha1.AnnotationResubmit] || after.Annotations[v1alpha1.AnnotationResubmit] != ""
	return !byUser && is != nil && is.Reason != was.Reason // a status that is emptied is a user's doing too
}

func (v *versions) all() map[string]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.of)
}

// note keeps the latest version of an object: of two writes at the same time,
// the answer to the second may come first. Versions are numbers without leading
// zeros, of which the longer one is the larger one.
func (v *versions) note(obj client.Object) {
	key, version := keyOf(obj), obj.GetResourceVersion()
	v.mu.Lock()
	defer v.mu.Unlock()
	if last := v.of[key]; key != "" && (len(version) > len(last) || (len(version) == len(last) && version > last)) {
		v.of[key] = version
		if vg, ok := obj.(*v1alpha1.VideoGeneration); ok {
			v.remember(vg)
		}
		if account, ok := obj.(*v1alpha1.KieAccount); ok {
			v.book(account)
		}
	}
}

// book keeps what an account says that it has spent.
func (v *versions) book(account *v1alpha1.KieAccount) {
	if account.Status.CreditsSpentSince == nil {
		return
	}
	if v.books == nil {
		v.books = map[string]credits.Amount{}
	}
	spent, err := credits.Parse(account.Status.CreditsSpent)
	if err != nil {
		return // a test has broken the books: what they said before counts
	}
	v.books[string(account.UID)+" "+account.Status.CreditsSpentSince.UTC().Format(time.RFC3339)] = spent
}

// booked is what all accounts together say that they have spent in all periods.
func (v *versions) booked() (sum credits.Amount) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, spent := range v.books {
		sum = sum.Plus(spent)
	}
	return sum
}

func (v *versions) forget(obj client.Object) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.of, keyOf(obj))
}

// keyOf names the objects that caches are compared by.
func keyOf(obj client.Object) string {
	switch obj.(type) {
	case *v1alpha1.VideoGeneration:
		return "vg/" + obj.GetName()
	case *v1alpha1.KieAccount:
		return "ka/" + obj.GetName()
	default:
		return ""
	}
}

// watch returns a client whose writes are noted.
func (v *versions) watch(c client.WithWatch) client.WithWatch {
	noted := func(obj client.Object, err error) error {
		switch {
		case err != nil:
		case !obj.GetDeletionTimestamp().IsZero() && len(obj.GetFinalizers()) == 0:
			v.forget(obj) // this was what it had waited for
		default:
			v.note(obj)
		}
		return err
	}
	return interceptor.NewClient(c, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return noted(obj, c.Create(ctx, obj, opts...))
		},
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			return noted(obj, c.Update(ctx, obj, opts...))
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return noted(obj, c.Patch(ctx, obj, patch, opts...))
		},
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			return noted(obj, c.SubResource(sub).Update(ctx, obj, opts...))
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return noted(obj, c.SubResource(sub).Patch(ctx, obj, patch, opts...))
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			if err := c.Delete(ctx, obj, opts...); err != nil {
				return err
			}
			v.forget(obj)
			left := obj.DeepCopyObject().(client.Object)
			if err := c.Get(ctx, client.ObjectKeyFromObject(obj), left); err == nil && left.GetUID() == obj.GetUID() {
				v.note(left) // a finalizer holds it
			}
			return nil
		},
	})
}
