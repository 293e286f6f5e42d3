// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// The ConfigMap of each namespace with the image that some videos are made from.
const (
	pictureName = "picture"
	pictureKey  = "lighthouse.png"
)

// createPictures puts the image into each namespace, and returns its SHA-256.
func createPictures(ctx context.Context, users client.Client, namespaces int) (string, error) {
	content, err := os.ReadFile(filepath.Join(testenv.Root(), "config", "samples", "images", "lighthouse-day.png"))
	if err != nil {
		return "", err
	}
	for i := range namespaces {
		if err := users.Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespaceName(i), Name: pictureName},
			BinaryData: map[string][]byte{pictureKey: content},
		}); err != nil {
			return "", fmt.Errorf("creating the image: %w", err)
		}
	}
	return sumOf(io.NopCloser(bytes.NewReader(content)))
}
