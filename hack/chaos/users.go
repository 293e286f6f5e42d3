// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

const (
	// userPatience is how long a user waits for the moment to do something.
	userPatience = 12 * time.Minute
	// mostAgain is how often somebody asks for another purchase of one video.
	mostAgain = 3
)

// doLater does what users do to a VideoGeneration after they have applied it.
func (l *load) doLater(ctx context.Context, v video) {
	switch v.kind {
	case resumed:
		pause(ctx, v.after)
		l.resume(ctx, v)
	case deleted:
		pause(ctx, v.after)
		l.remove(ctx, v)
	case discarded:
		if l.await(ctx, v.name, isStored, hasEnded) != nil {
			l.remove(ctx, v)
		}
	case orphaned:
		if vg := l.await(ctx, v.name, hasTaskID, hasEnded); vg != nil {
			l.remove(ctx, v)
			l.create(ctx, v.heir(vg.Status.Task.ID))
		}
	case againUnsold, againUnheard, againFailed:
		l.buyAgain(ctx, v)
	default:
	}
}

// await waits until a resource is as it should be, and returns it; nil if that
// does not happen, because it ends otherwise or takes too long.
func (l *load) await(ctx context.Context, name types.NamespacedName, is, over func(*v1alpha1.VideoGeneration) bool) *v1alpha1.VideoGeneration {
	for begin := time.Now(); ctx.Err() == nil && time.Since(begin) < userPatience; pause(ctx, 250*time.Millisecond) {
		switch vg := l.views.find(name); {
		case vg == nil:
		case is(vg):
			return vg
		case over(vg):
			return nil
		}
	}
	return nil
}

func hasTaskID(vg *v1alpha1.VideoGeneration) bool {
	return vg.Status.Task != nil && vg.Status.Task.ID != ""
}

func isStored(vg *v1alpha1.VideoGeneration) bool {
	return hasSucceeded(vg) && vg.Status.Storage != nil && vg.Status.Storage.State == v1alpha1.StorageStored
}

// buyAgain asks for another purchase: once if KIE.AI could not make the video, and
// until there is an answer if it is not known what became of the purchase.
func (l *load) buyAgain(ctx context.Context, v video) {
	last := ""
	for range mostAgain {
		ended := func(vg *v1alpha1.VideoGeneration) bool {
			return hasEnded(vg) && vg.Status.Task != nil && vg.Status.Task.Attempt != last
		}
		vg := l.await(ctx, v.name, ended, func(*v1alpha1.VideoGeneration) bool { return false })
		if vg == nil || !mayBeBoughtAgain(vg) {
			return
		}
		last = vg.Status.Task.Attempt
		l.mu.Lock()
		l.again[v.name]++
		l.mu.Unlock()
		l.insist(ctx, "buying "+v.name.String()+" again", func(ctx context.Context) error {
			return l.users.Patch(ctx, bare(v.name), v.purchaseAgain(last))
		})
		if v.kind == againFailed {
			return
		}
	}
}

// mayBeBoughtAgain reports whether a resource has ended so that its user would ask
// for another purchase.
func mayBeBoughtAgain(vg *v1alpha1.VideoGeneration) bool {
	_, reason := reasonOf(vg)
	return reason == v1alpha1.ReasonSubmissionUnknown || reason == v1alpha1.ReasonGenerationFailed
}

// purchaseAgain asks for another purchase, in one write also on another account.
func (v video) purchaseAgain(attempt string) client.Patch {
	change := map[string]any{"metadata": map[string]any{"annotations": map[string]any{v1alpha1.AnnotationResubmit: attempt}}}
	if v.elsewhere != "" {
		change["spec"] = map[string]any{"accountRef": map[string]any{"namespace": testenv.OperatorNamespace, "name": v.elsewhere}}
	}
	patch, _ := json.Marshal(change) //nolint:errchkjson // strings cannot fail
	return client.RawPatch(types.MergePatchType, patch)
}

// borrow applies a VideoGeneration that adopts the task of another one, when that
// one has a task.
func (l *load) borrow(ctx context.Context, v video) {
	owner := l.await(ctx, types.NamespacedName{Namespace: v.name.Namespace, Name: v.source}, hasTaskID, hasEnded)
	if owner == nil {
		return
	}
	v.adopted = owner.Status.Task.ID
	l.create(ctx, v)
}

func (l *load) resume(ctx context.Context, v video) {
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"suspend":false}}`))
	l.insist(ctx, "resuming "+v.name.String(), func(ctx context.Context) error {
		return l.users.Patch(ctx, bare(v.name), patch)
	})
}

func (l *load) remove(ctx context.Context, v video) {
	l.mu.Lock()
	l.gone[v.name] = true
	l.mu.Unlock()
	l.insist(ctx, "deleting "+v.name.String(), func(ctx context.Context) error {
		return client.IgnoreNotFound(l.users.Delete(ctx, bare(v.name)))
	})
}
