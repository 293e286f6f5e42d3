// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// product is what the money protocol asks of something that can be bought. It
// says what is sent, what that costs, and what KIE.AI's word on it means for the
// resource. It neither buys nor writes, and when to buy and to ask is not its business.
type product interface {
	// api is the API of KIE.AI that its tasks belong to.
	api() v1alpha1.TaskAPI
	// price is what it costs in all. Not ok means that there is no price for it, and nothing is bought.
	price(vg *v1alpha1.VideoGeneration, prices kie.Prices) (price credits.Amount, ok bool)
	// purchase is the request that buys it, with the callback URL of the attempt, empty if there is none.
	purchase(vg *v1alpha1.VideoGeneration, images []string, callbackURL string) kie.Purchase
	// record is KIE.AI's word on one of its tasks. Every failure is a *kie.Error.
	record(ctx context.Context, client *kie.Client, endpoint kie.Endpoint, id string) (kie.Record, error)
	// results are the files of a finished task.
	results(record kie.Record, task *v1alpha1.Task) []v1alpha1.Video
	// fail ends a task that KIE.AI says has failed.
	fail(vg *v1alpha1.VideoGeneration, record kie.Record, now time.Time)
	// neverEnlarged says why KIE.AI makes no larger version of what a task has made; empty if it does.
	neverEnlarged(vg *v1alpha1.VideoGeneration) string
	// upgradePrice is what the larger version costs. Not ok means that there is no price for it.
	upgradePrice(vg *v1alpha1.VideoGeneration, prices kie.Prices) (price credits.Amount, ok bool)
	// enlarge asks for the larger version of what a task has made, for the first time or again: it is made and paid once.
	// Every failure is a *kie.Error.
	enlarge(ctx context.Context, client *kie.Client, endpoint kie.Endpoint, vg *v1alpha1.VideoGeneration, callbackURL string) (kie.Upgrade, error)
}

// errUnknownAPI says that a task is not asked about: another API would not know it.
var errUnknownAPI = errors.New("this operator does not use the API that the task belongs to")

// record asks KIE.AI about an id of the API that the task belongs to: to another API
// it means nothing.
func (r *Reconciler) record(ctx context.Context, endpoint kie.Endpoint, task *v1alpha1.Task, id string) (kie.Record, error) {
	if cmp.Or(task.API, v1alpha1.TaskAPIVeo) != r.product.api() {
		return kie.Record{}, &kie.Error{Class: kie.Unavailable, Err: errUnknownAPI}
	}
	return r.product.record(ctx, r.KIE, endpoint, id)
}
