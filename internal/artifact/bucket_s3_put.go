// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"bytes"
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// put writes an object: in one request if there is no rest, else in parts, one
// after the other and from the same memory, of which S3 makes the object at the
// end. Those who upload for others hold three parts at a time. An upload that fails is
// aborted, also when the context has ended.
func (b s3Bucket) put(ctx context.Context, key string, metadata map[string]string, start []byte, rest io.Reader) error {
	if rest == nil {
		_, err := b.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(b.name), Key: aws.String(key), Body: bytes.NewReader(start),
			ContentType: aws.String(videoType), Metadata: escaped(metadata),
		})
		return err
	}
	upload, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: aws.String(b.name), Key: aws.String(key), ContentType: aws.String(videoType), Metadata: escaped(metadata),
	})
	if err != nil {
		return err
	}
	if err := b.putParts(ctx, upload, start, rest); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
		defer cancel()
		_, _ = b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: upload.Bucket, Key: upload.Key, UploadId: upload.UploadId})
		return err
	}
	return nil
}

// putParts sends the first part and what follows, and has the object made of them.
func (b s3Bucket) putParts(ctx context.Context, upload *s3.CreateMultipartUploadOutput, part []byte, rest io.Reader) error {
	buffer := part
	var done []types.CompletedPart
	for last := false; ; {
		number := aws.Int32(int32(len(done)) + 1) //nolint:gosec // the largest video has some hundreds
		sent, err := b.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: upload.Bucket, Key: upload.Key, UploadId: upload.UploadId, PartNumber: number, Body: bytes.NewReader(part),
		})
		if err != nil {
			return err
		}
		done = append(done, types.CompletedPart{PartNumber: number, ETag: sent.ETag, ChecksumCRC32: sent.ChecksumCRC32})
		if last {
			break
		}
		if part, last, err = fill(buffer, rest); err != nil {
			return err
		}
		if len(part) == 0 {
			break
		}
	}
	_, err := b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: upload.Bucket, Key: upload.Key, UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
	})
	return err
}
