// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"bytes"
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// upload is an object that is being sent in parts. Only its id is taken from the
// server's answer: some servers give the bucket another name there, or none.
type upload struct {
	key string
	id  *string
}

// put writes an object: in one request if there is no rest, else in parts, of which
// S3 makes the object at the end. The parts are sent one after the other from the
// same buffer; the upload managers of the library hold three parts at a time. An
// upload that fails is aborted, also when the context has ended.
func (b s3Bucket) put(ctx context.Context, key string, metadata map[string]string, start []byte, rest io.Reader) error {
	if rest == nil {
		_, err := b.client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(b.name), Key: aws.String(key), Body: bytes.NewReader(start),
			ContentType: aws.String(videoType), Metadata: escaped(metadata),
			ChecksumAlgorithm: b.checksum, ServerSideEncryption: b.encryption, SSEKMSKeyId: b.kmsKeyID,
		})
		return err
	}
	begun, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: aws.String(b.name), Key: aws.String(key), ContentType: aws.String(videoType), Metadata: escaped(metadata),
		ChecksumAlgorithm: b.checksum, ServerSideEncryption: b.encryption, SSEKMSKeyId: b.kmsKeyID,
	})
	if err != nil {
		return err
	}
	if aws.ToString(begun.UploadId) == "" {
		return errNotS3
	}
	u := upload{key: key, id: begun.UploadId}
	if err := b.putParts(ctx, u, start, rest); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
		defer cancel()
		_, _ = b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String(b.name), Key: aws.String(key), UploadId: u.id})
		return err
	}
	return nil
}

// putParts sends the first part and what follows, and has the object made of them.
func (b s3Bucket) putParts(ctx context.Context, u upload, part []byte, rest io.Reader) error {
	buffer := part
	var done []types.CompletedPart
	for last := false; ; {
		sent, err := b.putPart(ctx, u, int32(len(done))+1, part) //nolint:gosec // the largest video has some hundreds
		if err != nil {
			return err
		}
		done = append(done, sent)
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
		Bucket: aws.String(b.name), Key: aws.String(u.key), UploadId: u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
	})
	return err
}

// putPart sends a part, and returns what names it in the object.
func (b s3Bucket) putPart(ctx context.Context, u upload, number int32, part []byte) (types.CompletedPart, error) {
	sent, err := b.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: aws.String(b.name), Key: aws.String(u.key), UploadId: u.id, PartNumber: aws.Int32(number), Body: bytes.NewReader(part),
		ChecksumAlgorithm: b.checksum,
	})
	if err != nil {
		return types.CompletedPart{}, err
	}
	if aws.ToString(sent.ETag) == "" {
		return types.CompletedPart{}, errNotS3
	}
	done := types.CompletedPart{PartNumber: aws.Int32(number), ETag: sent.ETag}
	if b.checksum != "" {
		done.ChecksumCRC32 = sent.ChecksumCRC32
	}
	return done, nil
}
