// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/state"
)

// IndexSource is the field index of VideoGenerations by the one that they continue.
const IndexSource = "spec.extend.from.name"

// resolveSource finds the finished task that the resource continues, and copies
// its id into the status, where it stays whatever becomes of the source.
//
// When it lets the next step go on, nothing is continued, the source is in the
// status, or l.source says what is in the way and nothing will be bought.
func (r *Reconciler) resolveSource(ctx context.Context, l *scope) (bool, error) {
	if !state.NeedsSource(l.vg) || (l.vg.Status.Task != nil && !state.NeedsPurchase(l.vg)) {
		return false, nil
	}
	chain, err := r.chain(ctx, l.vg)
	if err != nil {
		return true, err
	}
	l.vg.Status.Source, l.source = state.SourceOf(l.vg, chain)
	return false, nil
}

// chain lists what the resource continues, the nearest first, as far as it
// exists and matters.
func (r *Reconciler) chain(ctx context.Context, vg *v1alpha1.VideoGeneration) ([]*v1alpha1.VideoGeneration, error) {
	var chain []*v1alpha1.VideoGeneration
	for at := vg; at.Spec.Extend != nil && len(chain) <= state.MaxExtensions; {
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

// continuedBy lists the resources that continue this one.
func (r *Reconciler) continuedBy(ctx context.Context, vg *v1alpha1.VideoGeneration) ([]v1alpha1.VideoGeneration, error) {
	var view v1alpha1.VideoGenerationList
	if err := r.Client.List(ctx, &view, client.InNamespace(vg.Namespace), client.MatchingFields{IndexSource: vg.Name}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing what continues the video: %w", err)
	}
	return view.Items, nil
}
