// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
)

// The operator as config/default installs it.
const (
	OperatorNamespace      = "kie-operator-system"
	operatorServiceAccount = "kie-operator-controller-manager"
)

// Operator installs the namespace, the service account and the roles of
// config/default, and returns the operator's own rest.Config, which can do what
// those roles allow and nothing else. Its token is valid for a day. It needs the
// access of an administrator, as a rest.Config and as a kubeconfig file.
func Operator(ctx context.Context, admin *rest.Config, kubeconfig string) (*rest.Config, error) {
	objects, err := Kubectl(ctx, kubeconfig, nil, "kustomize", filepath.Join(Root(), "config", "default"))
	if err != nil {
		return nil, err
	}
	identity, err := only(objects, "Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
	if err != nil {
		return nil, err
	}
	if _, err := Kubectl(ctx, kubeconfig, identity, "apply", "--server-side", "-f", "-"); err != nil {
		return nil, err
	}
	clients, err := kubernetes.NewForConfig(admin)
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To[int64](24 * 60 * 60)}}
	token, err := clients.CoreV1().ServiceAccounts(OperatorNamespace).CreateToken(ctx, operatorServiceAccount, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("getting a token for the operator: %w", err)
	}
	cfg := rest.AnonymousClientConfig(admin)
	cfg.BearerToken = token.Status.Token
	return cfg, nil
}

// only keeps the objects of some kinds from a stream of YAML documents.
func only(documents []byte, kinds ...string) ([]byte, error) {
	var kept [][]byte
	for _, document := range bytes.Split(documents, []byte("\n---\n")) {
		var object metav1.TypeMeta
		if err := yaml.Unmarshal(document, &object); err != nil {
			return nil, fmt.Errorf("reading the manifests: %w", err)
		}
		if slices.Contains(kinds, object.Kind) {
			kept = append(kept, document)
		}
	}
	return bytes.Join(kept, []byte("\n---\n")), nil
}

// Kubectl runs the control plane's own kubectl and returns what it prints. The
// error has what kubectl printed to stderr.
func Kubectl(ctx context.Context, kubeconfig string, input []byte, args ...string) ([]byte, error) {
	assets, err := Assets()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, filepath.Join(assets, "kubectl"), slices.Concat([]string{"--kubeconfig", kubeconfig}, args)...) //nolint:gosec // the path is the control plane's
	command.Stdin = bytes.NewReader(input)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("kubectl %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// WriteKubeconfig writes a rest.Config as a file for kubectl and for --kubeconfig.
// Only its owner may read the file: it holds a key or a token.
func WriteKubeconfig(path string, cfg *rest.Config) error {
	const name = "kie-operator"
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters[name] = &clientcmdapi.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData}
	kubeconfig.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: cfg.CertData, ClientKeyData: cfg.KeyData, Token: cfg.BearerToken}
	kubeconfig.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name, Namespace: metav1.NamespaceDefault}
	kubeconfig.CurrentContext = name
	if err := clientcmd.WriteToFile(*kubeconfig, path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
