// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// maxExtensions is how many extensions KIE.AI makes one after the other.
const maxExtensions = 20

// indexSource is the field index of VideoGenerations by the one that they continue.
const indexSource = "spec.extend.from.name"

// resolveSource finds the finished task that the resource continues, and copies
// its id into the status, where it stays whatever becomes of the source.
//
// When it lets the next step go on, nothing is continued, the source is in the
// status, or l.source says what is in the way and nothing will be bought.
func (r *VideoGenerationReconciler) resolveSource(ctx context.Context, l *scope) (bool, error) {
	if !needsSource(l.vg) || (l.vg.Status.Task != nil && !needsPurchase(l.vg)) {
		return false, nil
	}
	chain, err := r.chain(ctx, l.vg)
	if err != nil {
		return true, err
	}
	l.vg.Status.Source, l.source = sourceOf(l.vg, chain)
	return false, nil
}

// chain lists what the resource continues, the nearest first, as far as it
// exists and matters.
func (r *VideoGenerationReconciler) chain(ctx context.Context, vg *v1alpha1.VideoGeneration) ([]*v1alpha1.VideoGeneration, error) {
	var chain []*v1alpha1.VideoGeneration
	for at := vg; at.Spec.Extend != nil && len(chain) <= maxExtensions; {
		next := &v1alpha1.VideoGeneration{}
		err := r.Client.Get(ctx, types.NamespacedName{Namespace: vg.Namespace, Name: at.Spec.Extend.From.Name}, next)
		if apierrors.IsNotFound(err) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the source: %w", err)
		}
		chain = append(chain, next)
		if next.UID == vg.UID {
			break
		}
		at = next
	}
	return chain, nil
}

// sourceOf decides whether the video that is continued is there. The chain is
// what the resource continues, the nearest first.
func sourceOf(vg *v1alpha1.VideoGeneration, chain []*v1alpha1.VideoGeneration) (*v1alpha1.Source, waiting) {
	name := vg.Spec.Extend.From.Name
	if len(chain) == 0 {
		return nil, waiting{reason: v1alpha1.ReasonWaitingForSource, message: fmt.Sprintf("VideoGeneration %s, which is continued, does not exist yet", name)}
	}
	seen := map[types.UID]bool{vg.UID: true}
	for _, link := range chain {
		if seen[link.UID] {
			return nil, waiting{kind: stalled, reason: v1alpha1.ReasonInvalidSource,
				message: "extend.from leads in a circle: delete one of the circle and create it with another source"}
		}
		seen[link.UID] = true
	}
	if len(chain) > maxExtensions {
		return nil, waiting{kind: stalled, reason: v1alpha1.ReasonInvalidSource,
			message: fmt.Sprintf("KIE.AI continues a video %d times at most, and this would be once more: begin another video", maxExtensions)}
	}
	source := chain[0]
	task, videos := source.Status.Task, source.Status.Videos
	switch {
	case source.Spec.Resolution != "" && source.Spec.Resolution != v1alpha1.Resolution720p:
		return nil, sourceFailed("KIE.AI continues 720p videos only, and %s asks for %s: give the resolution to the last part only", name, source.Spec.Resolution)
	case isMade(source) && task.State == v1alpha1.TaskSucceeded && len(videos) > 0 && rank(videos[0].Resolution) > rank("720p"):
		return nil, sourceFailed("KIE.AI continues 720p videos only, and made %s in %s", name, videos[0].Resolution)
	case isMade(source) && task.State == v1alpha1.TaskSucceeded && isOfUnknownAPI(task):
		return nil, sourceFailed("VideoGeneration %s, which is continued, was made by API %q of KIE.AI, which this version of the operator does not continue: run one that does", name, task.API)
	case isMade(source) && task.State == v1alpha1.TaskSucceeded:
		return &v1alpha1.Source{Name: name, TaskID: task.ID, Account: source.Status.Account}, waiting{}
	case isMade(source), meta.IsStatusConditionTrue(source.Status.Conditions, v1alpha1.ConditionStalled):
		return nil, sourceFailed("VideoGeneration %s, which is continued, has failed: see its Ready condition", name)
	default:
		return nil, waiting{reason: v1alpha1.ReasonWaitingForSource, message: fmt.Sprintf("VideoGeneration %s, which is continued, is not finished yet", name)}
	}
}

func sourceFailed(format string, args ...any) waiting {
	return waiting{kind: stalled, reason: v1alpha1.ReasonSourceFailed, message: fmt.Sprintf(format, args...)}
}

// continuedBy lists the resources that continue this one.
func (r *VideoGenerationReconciler) continuedBy(ctx context.Context, vg *v1alpha1.VideoGeneration) ([]v1alpha1.VideoGeneration, error) {
	var view v1alpha1.VideoGenerationList
	if err := r.Client.List(ctx, &view, client.InNamespace(vg.Namespace), client.MatchingFields{indexSource: vg.Name}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing what continues the video: %w", err)
	}
	return view.Items, nil
}
