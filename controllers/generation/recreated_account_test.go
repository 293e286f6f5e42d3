// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/report"
)

// accountReader has one account, or none.
type accountReader struct {
	client.Reader
	account *v1alpha1.KieAccount
}

// Get reads it.
func (r accountReader) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	if r.account == nil {
		return apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("kieaccounts").GroupResource(), key.Name)
	}
	r.account.DeepCopyInto(obj.(*v1alpha1.KieAccount))
	return nil
}

// Nothing is booked for a purchase that is about to be made with an account that
// is gone, and it is not made: there is no client that could write.
func TestAPurchaseOfAnAccountThatIsGone(t *testing.T) {
	account := &v1alpha1.KieAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: "films", Name: "default", UID: "earlier"},
		Spec:       v1alpha1.KieAccountSpec{Budget: &v1alpha1.Budget{Credits: "1000", Period: metav1.Duration{Duration: 24 * time.Hour}}},
	}
	again := account.DeepCopy()
	again.UID = "another"
	clk := clocktesting.NewFakePassiveClock(fixture.Epoch)
	for name, live := range map[string]*v1alpha1.KieAccount{"gone": nil, "created again": again} {
		r := &Reconciler{Live: accountReader{account: live}, Clock: clk, Ledger: admission.NewLedger(clk)}
		if _, _, err := r.charge(t.Context(), account, "attempt", credits.Of(60)); !errors.Is(err, report.ErrAccountReplaced) {
			t.Errorf("%s: it is charged: %v; want to begin anew", name, err)
		}
		period, _ := accounts.PeriodOf(account, clk.Now())
		if err := r.refund(t.Context(), charge{account: account, attempt: "attempt", price: credits.Of(60), period: period}); err != nil {
			t.Errorf("%s: a refund of what is in no books: %v", name, err)
		}
	}
}
