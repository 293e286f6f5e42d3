// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestS3OutlivesAKill(t *testing.T) {
	server, err := StartS3(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	if err := server.CreateBucket(t.Context(), "videos"); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	head := &s3.HeadBucketInput{Bucket: aws.String("videos")}
	if _, err := server.Client().HeadBucket(t.Context(), head); err == nil {
		t.Error("a killed server answers")
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Client().HeadBucket(t.Context(), head); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

func TestS3SaysWhatToRun(t *testing.T) {
	t.Setenv("KIE_TEST_S3_SERVER", "/nothing")
	if _, err := StartS3(t.TempDir()); err == nil || !strings.Contains(err.Error(), "make s3-server") {
		t.Errorf("got %v", err)
	}
}
