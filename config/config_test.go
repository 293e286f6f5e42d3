// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package config_test applies the manifests of this folder to a real API server.
package config_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// Names that users and the documentation rely on.
const (
	namespace   = "kie-operator-system"
	operator    = "kie-operator-controller-manager"
	operatorSAR = "system:serviceaccount:" + namespace + ":" + operator
)

// notInstalled are the kinds that come with other projects and are not on the
// API server of the tests.
var notInstalled = []string{"HTTPRoute", "PrometheusRule", "ServiceMonitor"}

// namespaced are the kinds that users apply into a namespace of their choice.
var namespaced = []string{"VideoGeneration", "ConfigMap", "Role", "RoleBinding"}

var controlPlane testenv.Shared

// connect returns a client of a real API server, the same for all tests.
var connect = sync.OnceValues(func() (client.Client, error) {
	config, err := controlPlane.Config()
	if err != nil {
		return nil, err
	}
	return client.New(config, client.Options{Scheme: testenv.Scheme()})
})

func cluster(t *testing.T) client.Client {
	t.Helper()
	c, err := connect()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	defer func() { err = errors.Join(err, controlPlane.Stop()) }()
	return m.Run(), nil
}

// TestEverythingIsAccepted applies all manifests as kubectl apply --server-side
// does, which refuses fields that the server does not know.
func TestEverythingIsAccepted(t *testing.T) {
	for _, source := range []struct {
		name    string
		objects []*unstructured.Unstructured
	}{
		{"default", kustomize(t, "default")},
		{"dev", kustomize(t, "dev")},
		{"storage", kustomize(t, "storage")},
		{"callback-tls", kustomize(t, "callback-tls")},
		{"prometheus", kustomize(t, "prometheus")},
		{"callback examples", files(t, "callback/*_example.yaml")},
		{"tenant", kustomize(t, "tenant")},
		{"samples", files(t, "samples/*.yaml", "samples/storage/*.yaml")},
		{"kustomization of the samples", kustomize(t, "samples")},
		{"examples of docs/storage.md", examples(t, "../docs/storage.md")},
	} {
		t.Run(source.name, func(t *testing.T) {
			if len(source.objects) == 0 {
				t.Fatal("there is nothing to apply")
			}
			for _, obj := range source.objects {
				if _, err := cluster(t).RESTMapper().RESTMapping(obj.GroupVersionKind().GroupKind()); meta.IsNoMatchError(err) && slices.Contains(notInstalled, obj.GetKind()) {
					continue
				}
				if obj.GetNamespace() == "" && slices.Contains(namespaced, obj.GetKind()) {
					obj.SetNamespace(metav1.NamespaceDefault)
				}
				if err := cluster(t).Apply(t.Context(), client.ApplyConfigurationFromUnstructured(obj), client.FieldOwner("config-test"), client.ForceOwnership); err != nil {
					t.Errorf("%s %s: %v", obj.GetKind(), obj.GetName(), err)
				}
			}
		})
	}
}

// TestPodsAreRestricted makes the pods of the Deployments in the namespace of
// the operator, where the API server enforces the restricted Pod Security Standard.
func TestPodsAreRestricted(t *testing.T) {
	apply(t, kustomize(t, "dev"))
	templates := map[string]corev1.PodTemplateSpec{}
	for _, deployment := range []string{operator, "kie-simulator"} {
		templates[deployment] = podTemplate(t, deployment)
	}
	apply(t, kustomize(t, "storage"))
	templates[operator+" with a volume"] = podTemplate(t, operator)
	apply(t, kustomize(t, "callback-tls"))
	templates[operator+" with a certificate"] = podTemplate(t, operator)
	for deployment, template := range templates {
		t.Run(deployment, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
			pod.Namespace, pod.GenerateName = namespace, "restricted-"
			if err := cluster(t).Create(t.Context(), pod, client.DryRunAll); err != nil {
				t.Error(err)
			}

			privileged := pod.DeepCopy()
			privileged.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = new(true)
			if err := cluster(t).Create(t.Context(), privileged, client.DryRunAll); err == nil {
				t.Error("a pod that may gain privileges was accepted, so nothing is enforced")
			}
		})
	}
}

// TestContainersAreBounded checks what no standard asks for: that containers are
// probed, have limits and cannot write to their image.
func TestContainersAreBounded(t *testing.T) {
	apply(t, kustomize(t, "dev"))
	for _, deployment := range []string{operator, "kie-simulator"} {
		for _, c := range podTemplate(t, deployment).Spec.Containers {
			security := c.SecurityContext
			for what, kept := range map[string]bool{
				"a liveness probe":         c.LivenessProbe != nil,
				"a readiness probe":        c.ReadinessProbe != nil,
				"a limit on memory":        !c.Resources.Limits.Memory().IsZero(),
				"a request for memory":     !c.Resources.Requests.Memory().IsZero(),
				"a request for processors": !c.Resources.Requests.Cpu().IsZero(),
				"a read-only root":         security != nil && security.ReadOnlyRootFilesystem != nil && *security.ReadOnlyRootFilesystem,
				"no privileges":            security != nil && (security.Privileged == nil || !*security.Privileged),
			} {
				if !kept {
					t.Errorf("container %s of %s does not have %s", c.Name, deployment, what)
				}
			}
		}
	}
}

// TestPartsMeet checks what the API server does not: that selectors select and
// that ports have the names by which they are called.
func TestPartsMeet(t *testing.T) {
	apply(t, kustomize(t, "dev"))
	apply(t, only(kustomize(t, "prometheus"), "Service"))

	if got := podTemplate(t, operator).Spec.ServiceAccountName; got != operator {
		t.Errorf("the operator runs as %s, want %s", got, operator)
	}
	for service, deployment := range map[string]string{
		"kie-operator-callback": operator,
		"kie-operator-metrics":  operator,
		"kie-simulator":         "kie-simulator",
	} {
		t.Run(service, func(t *testing.T) {
			var svc corev1.Service
			get(t, service, &svc)
			template := podTemplate(t, deployment)
			if !labels.SelectorFromSet(svc.Spec.Selector).Matches(labels.Set(template.Labels)) {
				t.Errorf("it selects %v, and the pods of %s have %v", svc.Spec.Selector, deployment, template.Labels)
			}
			for _, port := range svc.Spec.Ports {
				if !hasPort(template.Spec, port.TargetPort) {
					t.Errorf("the pods of %s have no port %s", deployment, port.TargetPort.String())
				}
			}
		})
	}
	t.Run("PodDisruptionBudget", func(t *testing.T) {
		var budget policyv1.PodDisruptionBudget
		get(t, operator, &budget)
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err != nil {
			t.Fatal(err)
		}
		if !selector.Matches(labels.Set(podTemplate(t, operator).Labels)) {
			t.Errorf("it selects %v, which is not the operator", selector)
		}
		if selector.Matches(labels.Set(podTemplate(t, "kie-simulator").Labels)) {
			t.Errorf("it selects %v, which includes the simulator", selector)
		}
	})
}

// TestOperatorMayDoWhatItNeeds asks the API server's authorizer.
func TestOperatorMayDoWhatItNeeds(t *testing.T) {
	apply(t, kustomize(t, "default"))
	for _, tc := range []struct {
		reason                                  string
		namespace, group, resource, subresource string
		verbs                                   []string
		want                                    bool
	}{
		{"it watches its kinds everywhere", "", "kie-operator.github.io", "videogenerations", "", []string{"get", "list", "watch", "patch", "delete"}, true},
		{"it reads the images of others", "team", "", "configmaps", "", []string{"get"}, true},
		{"it lists no ConfigMaps", "team", "", "configmaps", "", []string{"list", "watch", "update"}, false},
		{"it watches accounts everywhere", "", "kie-operator.github.io", "kieaccounts", "", []string{"get", "list", "watch"}, true},
		{"it writes both statuses", "team", "kie-operator.github.io", "videogenerations", "status", []string{"patch"}, true},
		{"it writes both statuses", "team", "kie-operator.github.io", "kieaccounts", "status", []string{"patch"}, true},
		{"it reads the keys of its own namespace", namespace, "", "secrets", "", []string{"get"}, true},
		{"it leads by a lease of its own namespace", namespace, "coordination.k8s.io", "leases", "", []string{"get", "create", "update"}, true},

		{"it lists no Secrets, not even there", namespace, "", "secrets", "", []string{"list", "watch", "update", "delete"}, false},
		{"it reads no Secrets of others", "team", "", "secrets", "", []string{"get", "list"}, false},
		{"it makes no VideoGenerations", "team", "kie-operator.github.io", "videogenerations", "", []string{"create"}, false},
		{"it changes no accounts", namespace, "kie-operator.github.io", "kieaccounts", "", []string{"create", "update", "patch", "delete"}, false},
		{"it starts nothing", namespace, "", "pods", "", []string{"get", "create"}, false},
	} {
		for _, verb := range tc.verbs {
			t.Run(fmt.Sprintf("%s: %s %s", tc.reason, verb, tc.resource), func(t *testing.T) {
				if allowed := operatorMay(t, tc.want, authorizationv1.ResourceAttributes{
					Namespace: tc.namespace, Group: tc.group, Resource: tc.resource, Subresource: tc.subresource, Verb: verb,
				}); allowed != tc.want {
					t.Errorf("allowed = %v, want %v", allowed, tc.want)
				}
			})
		}
	}
}

// TestATenantOptsIn applies config/tenant to one namespace, as its
// administrator would: the operator can read the Secrets there, by name, and
// those of no other namespace.
func TestATenantOptsIn(t *testing.T) {
	apply(t, kustomize(t, "default"))
	const team, other = "team-that-opts-in", "team-that-does-not"
	objects := kustomize(t, "tenant")
	for _, name := range []string{team, other} {
		if err := cluster(t).Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, obj := range objects {
		obj.SetNamespace(team)
	}
	apply(t, objects)
	for _, tc := range []struct {
		namespace, verb string
		want            bool
	}{{team, "get", true}, {team, "list", false}, {team, "watch", false}, {team, "update", false}, {other, "get", false}} {
		what := authorizationv1.ResourceAttributes{Namespace: tc.namespace, Resource: "secrets", Verb: tc.verb, Name: "kie-credentials"}
		if allowed := operatorMay(t, tc.want, what); allowed != tc.want {
			t.Errorf("%s of a Secret in %s: allowed = %v, want %v", tc.verb, tc.namespace, allowed, tc.want)
		}
	}
}

// operatorMay asks the API server's authorizer. That learns of new roles a moment
// after they were applied, so what is to be allowed is waited for.
func operatorMay(t *testing.T, want bool, what authorizationv1.ResourceAttributes) bool {
	t.Helper()
	review := &authorizationv1.SubjectAccessReview{}
	_ = wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		review = &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: operatorSAR, ResourceAttributes: &what}}
		if err := cluster(t).Create(ctx, review); err != nil {
			return false, err
		}
		return review.Status.Allowed || !want, nil
	})
	return review.Status.Allowed
}

// apply applies what every test needs to be there.
func apply(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	for _, obj := range objects {
		if err := cluster(t).Apply(t.Context(), client.ApplyConfigurationFromUnstructured(obj), client.FieldOwner("config-test"), client.ForceOwnership); err != nil {
			t.Fatalf("%s %s: %v", obj.GetKind(), obj.GetName(), err)
		}
	}
}

// get reads an object of the operator's namespace.
func get(t *testing.T, name string, obj client.Object) {
	t.Helper()
	if err := cluster(t).Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, obj); err != nil {
		t.Fatal(err)
	}
}

// podTemplate returns what the pods of a Deployment are made from.
func podTemplate(t *testing.T, name string) corev1.PodTemplateSpec {
	t.Helper()
	var deployment appsv1.Deployment
	get(t, name, &deployment)
	return deployment.Spec.Template
}

// hasPort says whether a container has the port that a Service sends to.
func hasPort(spec corev1.PodSpec, port intstr.IntOrString) bool {
	for _, container := range spec.Containers {
		for _, p := range container.Ports {
			if p.Name == port.StrVal || p.ContainerPort == port.IntVal {
				return true
			}
		}
	}
	return false
}

// only returns the objects of one kind.
func only(objects []*unstructured.Unstructured, kind string) []*unstructured.Unstructured {
	return slices.DeleteFunc(objects, func(obj *unstructured.Unstructured) bool { return obj.GetKind() != kind })
}

// kustomize builds a folder of config with the kustomize of kubectl.
func kustomize(t *testing.T, folder string) []*unstructured.Unstructured {
	t.Helper()
	touch(t)
	assets, err := testenv.Assets()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(assets, "kubectl"), "kustomize", folder).Output()
	if exit := (&exec.ExitError{}); errors.As(err, &exit) {
		t.Fatalf("kubectl kustomize %s: %s", folder, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return objects(t, out)
}

// touch reads every file of this folder, so that go test knows that its results
// depend on them and does not repeat those of a former content.
func touch(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		_, err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// files reads the objects of files of config, but for kustomizations.
func files(t *testing.T, patterns ...string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s matches %v, %v", pattern, paths, err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, objects(t, content)...)
		}
	}
	return all
}

// examples reads the objects of a page for users. What is a part of one, to be
// seen in its place, is left out.
func examples(t *testing.T, page string) []*unstructured.Unstructured {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []*unstructured.Unstructured
	for _, block := range regexp.MustCompile("(?s)\n```yaml\n(.*?\n)```\n").FindAllSubmatch(content, -1) {
		if bytes.HasPrefix(block[1], []byte("apiVersion:")) {
			all = append(all, objects(t, block[1])...)
		}
	}
	return all
}

// objects decodes a stream of YAML documents.
func objects(t *testing.T, content []byte) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		obj := &unstructured.Unstructured{}
		if err := decoder.Decode(&obj.Object); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if obj.Object != nil && obj.GetAPIVersion() != "kustomize.config.k8s.io/v1beta1" {
			all = append(all, obj)
		}
	}
}
