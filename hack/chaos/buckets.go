// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

const (
	// bucketName is also the name of the Secret with the credentials.
	bucketName = "films"
	// prefix goes before the names of the videos.
	prefix = "chaos"
)

// buckets are where videos are stored: a real S3 server, and a folder.
type buckets struct {
	server *testenv.S3
	folder string
}

// startBuckets starts the S3 server with a bucket, and creates the Secret for it.
func startBuckets(ctx context.Context, users client.Client, dir string) (*buckets, error) {
	b := &buckets{folder: filepath.Join(dir, "folder")}
	for _, d := range []string{b.folder, filepath.Join(dir, "s3")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return b, err
		}
	}
	var err error
	if b.server, err = testenv.StartS3(filepath.Join(dir, "s3")); err != nil { //nolint:contextcheck // it waits for as long as it takes
		return b, err
	}
	if err := b.server.CreateBucket(ctx, bucketName); err != nil {
		return b, err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: testenv.OperatorNamespace, Name: bucketName},
		StringData: map[string]string{
			v1alpha1.SecretKeyAccessKeyID: b.server.AccessKeyID, v1alpha1.SecretKeySecretAccessKey: b.server.SecretAccessKey,
		},
	}
	if err := users.Create(ctx, secret); err != nil {
		return b, fmt.Errorf("creating the Secret of the bucket: %w", err)
	}
	return b, nil
}

func (b *buckets) stop() {
	if b != nil && b.server != nil {
		b.server.Stop()
	}
}

// storage is that of an account.
func (b *buckets) storage(s sort) *v1alpha1.Storage {
	switch s {
	case inBucket:
		return &v1alpha1.Storage{
			URL: "s3://" + bucketName, Endpoint: b.server.Endpoint, Region: b.server.Region, Prefix: prefix,
			CredentialsSecretRef: &v1alpha1.SecretReference{Name: bucketName},
		}
	case inFolder:
		return &v1alpha1.Storage{URL: "file://" + b.folder, Prefix: prefix}
	default:
		return nil
	}
}

// contents returns the SHA-256 of all that is stored, by its URI.
func (b *buckets) contents(ctx context.Context) (map[string]string, error) {
	sums := map[string]string{}
	if err := b.inServer(ctx, sums); err != nil {
		return nil, fmt.Errorf("reading the bucket: %w", err)
	}
	if err := b.inFolder(sums); err != nil {
		return nil, fmt.Errorf("reading the folder: %w", err)
	}
	return sums, nil
}

func (b *buckets) inServer(ctx context.Context, sums map[string]string) error {
	s3Client := b.server.Client()
	pages := s3.NewListObjectsV2Paginator(s3Client, &s3.ListObjectsV2Input{Bucket: aws.String(bucketName)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, object := range page.Contents {
			got, err := s3Client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucketName), Key: object.Key})
			if err != nil {
				return err
			}
			sum, err := sumOf(got.Body)
			if err != nil {
				return err
			}
			sums["s3://"+bucketName+"/"+aws.ToString(object.Key)] = sum
		}
	}
	return nil
}

// inFolder leaves out what the operator writes beside a video about it.
func (b *buckets) inFolder(sums map[string]string) error {
	return filepath.WalkDir(b.folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, ".attrs") {
			return err
		}
		file, err := os.Open(name) //nolint:gosec // in a folder of our own
		if err != nil {
			return err
		}
		sums["file://"+name], err = sumOf(file)
		return err
	})
}

// sumOf returns the SHA-256 of what is read, in hexadecimal digits, and closes it.
func sumOf(r io.ReadCloser) (string, error) {
	defer r.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
