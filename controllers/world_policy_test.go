// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"sync"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// policy is a ValidatingAdmissionPolicy of the real API server, which holds for
// the operator in namespaces with a label of its name.
type policy struct {
	name string
	// resource is what must not be updated.
	resource string
	// reason is how that is answered: Forbidden is a 403, Invalid a 422.
	reason metav1.StatusReason
	// unless is when it may be updated all the same, in CEL.
	unless string
}

var (
	mainForbidden   = policy{name: "main-forbidden", resource: "videogenerations", reason: metav1.StatusReasonForbidden}
	mainInvalid     = policy{name: "main-invalid", resource: "videogenerations", reason: metav1.StatusReasonInvalid}
	statusForbidden = policy{name: "status-forbidden", resource: "videogenerations/status", reason: metav1.StatusReasonForbidden}
	statusInvalid   = policy{name: "status-invalid", resource: "videogenerations/status", reason: metav1.StatusReasonInvalid}
	// noFinalizers refuses finalizers that are not of this domain.
	noFinalizers = policy{
		name: "no-finalizers", resource: "videogenerations", reason: metav1.StatusReasonInvalid,
		unless: `!has(object.metadata.finalizers) || object.metadata.finalizers.all(f, f.startsWith("example.com/"))`,
	}
	policies = []policy{mainForbidden, mainInvalid, statusForbidden, statusInvalid, noFinalizers}
)

func (p policy) label() string { return "policy.example.com/" + p.name }

func (p policy) probe() string { return "probe-" + p.name }

// installPolicies makes the policies known to the API server. None is in force
// anywhere before a namespace has its label.
var installPolicies = sync.OnceValue(func() error {
	config, err := controlPlane.Config()
	if err != nil {
		return err
	}
	admin, err := client.New(config, client.Options{Scheme: testenv.Scheme()})
	if err != nil {
		return err
	}
	for _, p := range policies {
		// A ConfigMap of its name is refused as well, and tells whether the policy is in force yet.
		unless := p.unless
		if unless == "" {
			unless = "false"
		}
		may := fmt.Sprintf(`request.userInfo.username != %q || (request.resource.resource == "configmaps" ? object.metadata.name != %q : (%s))`,
			operatorUser, p.probe(), unless)
		rule := func(group, version, resource string, operation admissionregistrationv1.OperationType) admissionregistrationv1.NamedRuleWithOperations {
			return admissionregistrationv1.NamedRuleWithOperations{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
				Operations: []admissionregistrationv1.OperationType{operation},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{group}, APIVersions: []string{version}, Resources: []string{resource}},
			}}
		}
		for _, object := range []client.Object{
			&admissionregistrationv1.ValidatingAdmissionPolicy{
				ObjectMeta: metav1.ObjectMeta{Name: p.name},
				Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
					FailurePolicy: ptr.To(admissionregistrationv1.Fail),
					MatchConstraints: &admissionregistrationv1.MatchResources{
						NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{p.label(): "in-force"}},
						ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{
							rule(v1alpha1.GroupVersion.Group, v1alpha1.GroupVersion.Version, p.resource, admissionregistrationv1.Update),
							rule("", "v1", "configmaps", admissionregistrationv1.Create),
						},
					},
					Validations: []admissionregistrationv1.Validation{{Expression: may, Message: "only GitOps may write here", Reason: ptr.To(p.reason)}},
				},
			},
			&admissionregistrationv1.ValidatingAdmissionPolicyBinding{
				ObjectMeta: metav1.ObjectMeta{Name: p.name},
				Spec:       admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: p.name, ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny}},
			},
		} {
			if err := admin.Create(context.Background(), object); err != nil {
				return fmt.Errorf("installing the policy %s: %w", p.name, err)
			}
		}
	}
	return nil
})

// impose puts a policy in force, from the next write on.
func (w *world) impose(p policy) {
	w.t.Helper()
	w.must(installPolicies())
	w.enforce(p, ptr.To("in-force"))
}

// lift ends a policy.
func (w *world) lift(p policy) {
	w.t.Helper()
	w.enforce(p, nil)
}

func (w *world) enforce(p policy, value *string) {
	w.t.Helper()
	text := "null"
	if value != nil {
		text = fmt.Sprintf("%q", *value)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%s}}}`, p.label(), text)
	w.must(w.live.Patch(w.t.Context(), ns, client.RawPatch(types.MergePatchType, []byte(patch))))
	err := wait.PollUntilContextTimeout(w.t.Context(), 5*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: p.probe()}}
		err := w.operator.Create(ctx, probe, client.DryRunAll)
		switch {
		case err == nil:
			return value == nil, nil
		case refusedByPolicy(err):
			return value != nil, nil
		default:
			return false, err
		}
	})
	if err != nil {
		w.t.Fatalf("policy %s is not in force, or still is: %v", p.name, err)
	}
}

// refusedByPolicy reports whether the error is the answer of an admission policy.
func refusedByPolicy(err error) bool {
	return (apierrors.IsForbidden(err) || apierrors.IsInvalid(err)) && err != nil
}
