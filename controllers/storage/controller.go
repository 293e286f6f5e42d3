// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/byname"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/fetch"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// turnAgain is how soon a resource that found no free place tries again.
const turnAgain = 5 * time.Second

// Reconciler stores the finished videos of VideoGenerations. It is a
// controller of its own, with workers of its own, because a download takes
// minutes, and nothing else shall wait for it.
//
// Whatever it is interrupted at, it can do again: a video that is in the bucket
// already is found there.
type Reconciler struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// Live reads from the API server itself.
	Live        client.Reader
	Locations   *Locations
	Transfers   *Transfers
	Fetcher     *fetch.Fetcher
	Credentials *credentials.Store
	KIE         *kie.Client
	Clock       clock.PassiveClock
	Recorder    events.EventRecorder
	Metrics     *report.Metrics
	// AllowInsecure sends API keys over plain http.
	AllowInsecure bool

	// workers is how many resources have their videos stored at a time.
	workers int

	memories byname.Map[*memory]

	mu sync.Mutex
	// tenants are the namespaces, other than that of administrators, into whose storage something is stored now.
	tenants map[string]bool
}

// Init makes the reconciler ready for use without a manager.
func (r *Reconciler) Init() {
	r.tenants = map[string]bool{}
}

// Reconcile stores the videos of a resource that are not stored yet, as far as
// that is possible now, and sees to it that the resource has a finalizer if its
// videos are to be deleted with it.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	vg := &v1alpha1.VideoGeneration{}
	if err := r.Client.Get(ctx, req.NamespacedName, vg); apierrors.IsNotFound(err) {
		r.Locations.Forget(r.memories.Delete(req.NamespacedName))
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading the VideoGeneration: %w", err)
	}
	unnoted := r.unwritten(vg)
	switch {
	case !vg.DeletionTimestamp.IsZero():
		r.memories.Delete(req.NamespacedName)
		if !controllerutil.ContainsFinalizer(vg, v1alpha1.FinalizerStoredVideos) {
			r.Locations.Forget(vg.UID) // else its videos are deleted there
		}
		return ctrl.Result{}, nil
	case unnoted != nil:
		if err := r.writeStored(ctx, vg, unnoted, nil); err != nil {
			return report.QuietConflict(err)
		}
		return ctrl.Result{RequeueAfter: report.ConflictDelay}, nil // then with the status that was just written
	case vg.Status.Storage == nil || !state.HasVideos(vg):
		r.memories.Delete(req.NamespacedName)
		if len(state.StoredURIs(vg)) > 0 {
			return ctrl.Result{}, nil
		}
		return r.unguarded(vg, r.setFinalizer(ctx, vg, false)) // there is nothing to be deleted
	}
	account, err := accounts.Named(ctx, r.Client, vg.Status.Account)
	if err != nil {
		return ctrl.Result{}, err
	}
	p, named := state.LocationOf(vg, account)
	switch pending := state.StoragePending(vg); {
	case !named:
		return r.withoutLocation(ctx, vg, account)
	case !pending:
		r.memories.Delete(req.NamespacedName)
		return r.unguarded(vg, r.guard(ctx, vg, p))
	case len(state.StoredURIs(vg)) > 0: // what is stored already needs the finalizer, whatever comes of the rest
		err := r.guard(ctx, vg, p)
		if failure, ok := asStorageError(err); ok {
			return r.refuse(ctx, vg, failure)
		} else if err != nil {
			return report.QuietConflict(err)
		}
	}
	if p.ByAccount {
		if allowed, err := accounts.Allows(ctx, r.Client, account, vg.Namespace); err != nil {
			return ctrl.Result{}, err
		} else if !allowed {
			return r.refuse(ctx, vg, invalidStorage("KieAccount %s, which says where to store it, does not allow namespace %s: change its spec.allowedNamespaces", vg.Status.Account, vg.Namespace))
		}
	}
	return r.storeIfDue(ctx, vg, account, p)
}

// storeIfDue stores what is missing, when it is time for it and there is room.
func (r *Reconciler) storeIfDue(ctx context.Context, vg *v1alpha1.VideoGeneration, account *v1alpha1.KieAccount, p state.Location) (ctrl.Result, error) {
	missing := state.Unstored(vg)
	if len(missing) == 0 { // the state is Storing though every video has its artifact: correct the state
		return report.QuietConflict(r.write(ctx, vg, nil, nil))
	}
	known, now := r.of(vg, p), r.Clock.Now()
	if due, next := known.due(missing, now); len(due) == 0 {
		return ctrl.Result{RequeueAfter: next.Sub(now)}, nil
	}
	leave, ok := r.enter(p)
	if !ok {
		return ctrl.Result{RequeueAfter: turnAgain}, nil
	}
	defer leave()
	return r.storeNow(ctx, vg, account, p, known)
}

// storeNow stores what is not stored, and writes what came of it into the status.
// That is done however the storing ends, and before Transfers.Stop reports that it
// has ended.
func (r *Reconciler) storeNow(ctx context.Context, vg *v1alpha1.VideoGeneration, account *v1alpha1.KieAccount, p state.Location, known *memory) (ctrl.Result, error) {
	storing, end := r.Transfers.begin(ctx, vg.UID)
	defer end()
	failure, err := r.storeDue(storing, vg, account, p, known)
	ended := failure == interrupted
	if ended {
		failure = nil
	}
	missing := slices.DeleteFunc(state.Unstored(vg), func(file state.StoredFile) bool { _, stored := known.stored[file.URL]; return stored })
	if len(known.stored) > 0 || failure != nil {
		err = errors.Join(err, r.writeStored(ctx, vg, known, failure))
	}
	result, err := report.QuietConflict(err)
	switch {
	case err != nil, result.RequeueAfter > 0:
	case ended:
		result.RequeueAfter = time.Second
	case len(missing) > 0:
		now := r.Clock.Now()
		_, next := known.due(missing, now)
		result.RequeueAfter = max(next.Sub(now), time.Millisecond)
	}
	return result, err
}

// withoutLocation waits for the account that says where to store, until KIE.AI has
// deleted the video. If the account is there and has no storage any more, the
// reconciler of purchases takes the request to store out of the status.
func (r *Reconciler) withoutLocation(ctx context.Context, vg *v1alpha1.VideoGeneration, account *v1alpha1.KieAccount) (ctrl.Result, error) {
	if !state.StoragePending(vg) {
		return ctrl.Result{}, nil
	}
	if until := state.LastExpiry(vg).Sub(r.Clock.Now()); until > 0 {
		return ctrl.Result{RequeueAfter: until}, nil
	}
	message := "KieAccount %s, which says where to store it, does not exist"
	if account != nil {
		message = "KieAccount %s does not say any more where to store it"
	}
	return r.refuse(ctx, vg, invalidStorage(message, vg.Status.Account))
}

// refuse says why nothing is stored for now, and comes back.
func (r *Reconciler) refuse(ctx context.Context, vg *v1alpha1.VideoGeneration, failure *transfer.StorageError) (ctrl.Result, error) {
	result, err := report.QuietConflict(r.write(ctx, vg, nil, failure))
	if err == nil && result.RequeueAfter == 0 {
		result.RequeueAfter = maxStoreAgain
	}
	return result, err
}

func invalidStorage(format string, args ...any) *transfer.StorageError {
	return &transfer.StorageError{Class: transfer.InvalidStorage, Message: fmt.Sprintf(format, args...)}
}

// FinalizerRefused is the reason of a failure to write the finalizer.
const FinalizerRefused transfer.Class = "FinalizerRefused"

// unguarded handles an error of writing the finalizer of a resource that has nothing
// to store: a refusal is told in an Event, and tried again later.
func (r *Reconciler) unguarded(vg *v1alpha1.VideoGeneration, err error) (ctrl.Result, error) {
	failure, ok := asStorageError(err)
	if !ok {
		return report.QuietConflict(err)
	}
	r.Recorder.Eventf(vg, nil, corev1.EventTypeWarning, string(failure.Class), report.ActionReconcile, "%s", failure.Message)
	return ctrl.Result{RequeueAfter: maxStoreAgain}, nil
}

// enter takes one of the places for storing, and returns a function that gives it
// back. Storage that no administrator named gets one place at a time for each
// namespace, and all such storage together leaves one place free: a slow bucket of
// a tenant does not keep others from storing.
func (r *Reconciler) enter(p state.Location) (leave func(), ok bool) {
	if p.Trusted(r.Locations.OperatorNamespace) {
		return func() {}, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tenants[p.Namespace] || len(r.tenants) >= max(r.workers-1, 1) {
		return nil, false
	}
	r.tenants[p.Namespace] = true
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.tenants, p.Namespace)
	}, true
}

// guard adds the finalizer, or removes it, by what is to become of the videos
// when the resource is deleted.
func (r *Reconciler) guard(ctx context.Context, vg *v1alpha1.VideoGeneration, p state.Location) error {
	return r.setFinalizer(ctx, vg, p.Policy == v1alpha1.DeletionDelete)
}

func (r *Reconciler) setFinalizer(ctx context.Context, vg *v1alpha1.VideoGeneration, wanted bool) error {
	if !wanted {
		r.Locations.Forget(vg.UID)
	}
	if wanted == controllerutil.ContainsFinalizer(vg, v1alpha1.FinalizerStoredVideos) {
		return nil
	}
	patch := client.MergeFromWithOptions(vg.DeepCopy(), client.MergeFromWithOptimisticLock{})
	if wanted {
		controllerutil.AddFinalizer(vg, v1alpha1.FinalizerStoredVideos)
	} else {
		controllerutil.RemoveFinalizer(vg, v1alpha1.FinalizerStoredVideos)
	}
	err := r.Client.Patch(ctx, vg, patch)
	switch {
	case err == nil:
		return nil
	case report.IsRefused(err) && wanted:
		return &transfer.StorageError{Class: FinalizerRefused, Message: state.BoundedMessage(fmt.Sprintf(
			"the finalizer %s, which deletionPolicy Delete needs, cannot be added: allow the operator to update the resource, or set deletionPolicy Retain. %s",
			v1alpha1.FinalizerStoredVideos, report.FailureText(err)))}
	case report.IsRefused(err):
		return &transfer.StorageError{Class: FinalizerRefused, Message: state.BoundedMessage(fmt.Sprintf(
			"the finalizer %s cannot be removed: allow the operator to update the resource. %s", v1alpha1.FinalizerStoredVideos, report.FailureText(err)))}
	default:
		return fmt.Errorf("writing the finalizer: %w", err)
	}
}
