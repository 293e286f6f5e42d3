// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/state"
)

// namespaceResync is how often a namespace is looked at again that an
// account does not allow: labels of namespaces change without notice.
const namespaceResync = time.Minute

// resolveAccount finds the account that pays. A task stays with the account
// that bought it, also when it is to be bought again, as long as its outcome is
// open.
//
// When it lets the next step go on, l.pays is there if something is to be bought, and
// allows the namespace of the resource; and l.asks, which is named in the status, is
// there unless nothing is asked of KIE.AI any more, or it is gone.
func (r *Reconciler) resolveAccount(ctx context.Context, l *scope) (bool, error) {
	buying := state.NeedsPurchase(l.vg) || state.RetryPending(l.vg)
	if !buying && l.vg.Status.Task.Settled() && !state.UpgradePending(l.vg) && !state.StorageUnfinished(l.vg) && !state.WantsLinks(l.vg) {
		return false, nil
	}
	key, bought := l.vg.Status.Account.Key(), !l.vg.Status.Account.IsZero()
	open := l.vg.Status.Task != nil && !l.vg.Status.Task.Settled()
	anew := !bought || (buying && !open)
	if anew {
		var err error
		if key, err = r.accountOf(ctx, l.vg); err != nil {
			return true, err
		}
	}
	account, err := r.usableAccount(ctx, l, key, anew)
	gone := err == nil && account == nil && buying && open && l.wait.Reason == v1alpha1.ReasonAccountNotFound
	if gone {
		// The account of the purchase in doubt is gone, and nobody can be asked about that any more.
		l.wait = state.Wait{}
		if key, err = r.accountOf(ctx, l.vg); err == nil {
			account, err = r.usableAccount(ctx, l, key, true)
		}
	}
	switch {
	case err != nil:
		return true, err
	case account == nil && !buying && state.IsMade(l.vg):
		if (state.IsFinished(l.vg) && l.vg.Status.Task.Settled()) || state.HasOwnStorage(l.vg) {
			l.wait = state.Wait{} // only fresh links are wanted, and they can wait
		}
		return false, nil
	case account == nil:
		if anew {
			l.vg.Status.Account = v1alpha1.AccountIdentity{}
		}
		return true, nil
	}
	l.pays = account
	if gone {
		return false, nil
	}
	l.asks = account
	if anew {
		// What is bought keeps the identity of the account that bought it, also when that is created again.
		l.vg.Status.Account = v1alpha1.IdentityOf(account)
	}
	return false, nil
}

// accountNotFound is what a resource waits for whose account is gone.
func accountNotFound(key types.NamespacedName) state.Wait {
	return state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonAccountNotFound, RetryAfter: accountResync,
		Message: fmt.Sprintf("KieAccount %s does not exist: create it, or name another one in spec.accountRef", key)}
}

// createdAgain is what to add where KIE.AI does not know the task, if the account
// is not the one that bought it, but has its name: the key may be that of another
// account at KIE.AI.
func (l *scope) createdAgain() string {
	if l.asks == nil || !l.vg.Status.Account.IsReplacedBy(l.asks) {
		return ""
	}
	return fmt.Sprintf(". KieAccount %s was created again since it bought the task: see that its API key belongs to the same account at KIE.AI", l.vg.Status.Account)
}

// accountResync is how often a question waits for its account, should nothing wake it.
const accountResync = 5 * time.Minute

// moveAccount turns to the account that the spec names now, when a purchase is
// to be made after one whose outcome was open. Until the new purchase is
// intended, the status names the account of the old one, whose callback may
// still come.
//
// When it lets the next step go on, l.pays is the one that is to buy, and allows
// the namespace of the resource.
func (r *Reconciler) moveAccount(ctx context.Context, l *scope) (bool, error) {
	if !l.buying() || isUnbought(l) || l.vg.Status.Task == nil || l.vg.Status.Task.Settled() {
		return false, nil
	}
	key, err := r.accountOf(ctx, l.vg)
	if err != nil {
		return true, err
	}
	// Also if it is the same: it may not allow the namespace any more.
	account, err := r.usableAccount(ctx, l, key, true)
	if err != nil || account == nil {
		return true, err
	}
	l.pays = account
	return r.estimate(ctx, l)
}

// usableAccount reads an account. It returns nil, and sets l.wait, if the
// resource cannot use it; anew says that something is to be bought with it.
func (r *Reconciler) usableAccount(ctx context.Context, l *scope, key types.NamespacedName, anew bool) (*v1alpha1.KieAccount, error) {
	if source := l.vg.Status.Source; anew && source != nil && source.Account.Key() != key {
		l.wait = state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonAccountMismatch,
			Message: fmt.Sprintf("KIE.AI continues a video only for the account that bought it: set spec.accountRef to KieAccount %s", source.Account)}
		return nil, nil
	}
	account := &v1alpha1.KieAccount{}
	if err := r.Client.Get(ctx, key, account); client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading the account: %w", err)
	} else if apierrors.IsNotFound(err) {
		l.wait = accountNotFound(key)
		return nil, nil
	}
	if problem := accounts.Insecure(account, r.AllowInsecure); problem != "" {
		l.wait = state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonInsecureBaseURL, Message: fmt.Sprintf("KieAccount %s: %s", key, problem)}
		return nil, nil
	}
	allowed, err := accounts.Allows(ctx, r.Client, account, l.vg.Namespace)
	switch {
	case err != nil:
		return nil, err
	case !allowed && anew:
		l.wait = state.Wait{Kind: state.Retrying, Reason: v1alpha1.ReasonAccountNotAllowed, RetryAfter: namespaceResync,
			Message: fmt.Sprintf("KieAccount %s does not allow namespace %s: change its spec.allowedNamespaces, or name another account in spec.accountRef", key, l.vg.Namespace)}
		return nil, nil
	}
	return account, nil
}

// accountOf returns the name of the account that the spec asks for. An extension
// that names none is bought by the account of its source.
func (r *Reconciler) accountOf(ctx context.Context, vg *v1alpha1.VideoGeneration) (types.NamespacedName, error) {
	if source := vg.Status.Source; source != nil && vg.Spec.AccountRef == nil {
		return source.Account.Key(), nil
	}
	if ref := vg.Spec.AccountRef; ref != nil {
		key := types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}
		if key.Namespace == "" {
			key.Namespace = vg.Namespace
		}
		return key, nil
	}
	own := types.NamespacedName{Namespace: vg.Namespace, Name: v1alpha1.DefaultAccountName}
	err := r.Client.Get(ctx, own, &v1alpha1.KieAccount{})
	switch {
	case err == nil:
		return own, nil
	case apierrors.IsNotFound(err):
		return types.NamespacedName{Namespace: r.OperatorNamespace, Name: v1alpha1.DefaultAccountName}, nil
	default:
		return types.NamespacedName{}, fmt.Errorf("reading the account: %w", err)
	}
}
