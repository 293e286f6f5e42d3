// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"
	"testing"
)

const (
	badStorageURL = "url must be s3://BUCKET, gs://BUCKET, azblob://CONTAINER or file:///FOLDER, with nothing after it; what goes before the names of the videos is the prefix"
	badPrefix     = "prefix must be one or more names with '/' between them, of letters, digits, '-', '_', '=' and '.', such as films/veo; a name does not begin with '.'"
	badEndpoint   = "endpoint must be a plain http or https address, such as https://s3.example.com, without user, path, query or fragment"
	noIdentity    = "the identity of the operator is for the storage of KieAccounts only: add credentialsSecretRef with the Secret that holds the credentials of the bucket"
	noFolder      = "a folder of the operator can be named by a KieAccount only: use s3://BUCKET, gs://BUCKET or azblob://CONTAINER, or leave url out to use the storage of the KieAccount"
)

func accountWithStorage(storage string) string {
	return `{credentialsSecretRef: {name: keys}, storage: ` + storage + `}`
}

func videoWithStorage(storage string) string { return `{prompt: fog, storage: ` + storage + `}` }

func TestStorageIsRefused(t *testing.T) {
	checkRefusals(t, kieAccounts, account, []refusal{
		{"storage says nothing", accountWithStorage(`{}`),
			[]cause{{"spec.storage", "storage needs a place: add url, such as s3://BUCKET"}, {"spec.storage", "at least 1 properties"}}},
		{"storage has no place", accountWithStorage(`{deletionPolicy: Delete}`),
			[]cause{{"spec.storage", "storage needs a place: add url, such as s3://BUCKET"}}},
		{"there is no such policy", accountWithStorage(`{url: "gs://films", deletionPolicy: Keep}`),
			[]cause{{"spec.storage.deletionPolicy", `supported values: "Retain", "Delete"`}, unchecked}},
		{"a bucket is a web address", accountWithStorage(`{url: "https://films.s3.amazonaws.com"}`),
			[]cause{{"spec.storage.url", badStorageURL}}},
		{"a bucket has a path", accountWithStorage(`{url: "s3://films/veo", region: eu-central-1}`),
			[]cause{{"spec.storage.url", badStorageURL}}},
		{"a bucket has a query", accountWithStorage(`{url: "s3://films?profile=admin", region: eu-central-1}`),
			[]cause{{"spec.storage.url", badStorageURL}}},
		{"a folder is relative", accountWithStorage(`{url: "file://films"}`),
			[]cause{{"spec.storage.url", badStorageURL}}},
		{"a folder leads upwards", accountWithStorage(`{url: "file:///videos/../etc"}`),
			[]cause{{"spec.storage.url", badStorageURL}}},
		{"a folder ends upwards", accountWithStorage(`{url: "file:///videos/.."}`),
			[]cause{{"spec.storage.url", badStorageURL}}},
		{"a folder is encoded", accountWithStorage(`{url: "file:///videos/%2e%2e/etc"}`),
			[]cause{{"spec.storage.url", badStorageURL}}},
		{"a prefix leads upwards", accountWithStorage(`{url: "gs://films", prefix: a/../b}`),
			[]cause{{"spec.storage.prefix", badPrefix}}},
		{"a prefix begins with a slash", accountWithStorage(`{url: "gs://films", prefix: /a}`),
			[]cause{{"spec.storage.prefix", badPrefix}}},
		{"a prefix ends with a slash", accountWithStorage(`{url: "gs://films", prefix: a/}`),
			[]cause{{"spec.storage.prefix", badPrefix}}},
		{"s3 has no region", accountWithStorage(`{url: "s3://films"}`),
			[]cause{{"spec.storage.region", "s3 needs the region of the bucket, such as eu-central-1: add region, or the endpoint of an S3-compatible server"}}},
		{"a region is a place on earth", accountWithStorage(`{url: "s3://films", region: "Frankfurt (Main)"}`),
			[]cause{{"spec.storage.region", "region must be the name of a region, such as eu-central-1"}}},
		{"gs has a region", accountWithStorage(`{url: "gs://films", region: eu}`),
			[]cause{{"spec.storage.region", "region is used with s3 only: remove region"}}},
		{"gs has an endpoint", accountWithStorage(`{url: "gs://films", endpoint: "https://example.com"}`),
			[]cause{{"spec.storage.endpoint", "endpoint is used with s3 and azblob only: remove endpoint"}}},
		{"azblob has no endpoint", accountWithStorage(`{url: "azblob://films"}`),
			[]cause{{"spec.storage.endpoint", "azblob needs the address of the storage account: add endpoint, such as https://myaccount.blob.core.windows.net"}}},
		{"an endpoint is no address", accountWithStorage(`{url: "s3://films", endpoint: s3.example.com}`),
			[]cause{{"spec.storage.endpoint", badEndpoint}}},
		{"an endpoint holds credentials", accountWithStorage(`{url: "s3://films", endpoint: "https://a:b@s3.example.com"}`),
			[]cause{{"spec.storage.endpoint", badEndpoint}}},
		{"an endpoint has a path", accountWithStorage(`{url: "s3://films", endpoint: "https://s3.example.com/films"}`),
			[]cause{{"spec.storage.endpoint", badEndpoint}}},
		{"a folder has credentials", accountWithStorage(`{url: "file:///videos", credentialsSecretRef: {name: keys}}`),
			[]cause{{"spec.storage.credentialsSecretRef", "a folder needs no credentials: remove credentialsSecretRef"}}},
		{"gs has an encryption", accountWithStorage(`{url: "gs://films", serverSideEncryption: {algorithm: AES256}}`),
			[]cause{{"spec.storage.serverSideEncryption", "serverSideEncryption is used with s3 only: remove serverSideEncryption"}}},
		{"there is no such encryption", accountWithStorage(`{url: "s3://films", region: eu-central-1, serverSideEncryption: {algorithm: AES128}}`),
			[]cause{{"spec.storage.serverSideEncryption.algorithm", `supported values: "AES256", "aws:kms"`}, unchecked}},
		{"an encryption has no algorithm", accountWithStorage(`{url: "s3://films", region: eu-central-1, serverSideEncryption: {kmsKeyID: alias/films}}`),
			[]cause{{"spec.storage.serverSideEncryption.algorithm", "Required value"}, unchecked}},
		{"AES256 has a key", accountWithStorage(`{url: "s3://films", region: eu-central-1, serverSideEncryption: {algorithm: AES256, kmsKeyID: alias/films}}`),
			[]cause{{"spec.storage.serverSideEncryption.kmsKeyID", "kmsKeyID is used with aws:kms only: remove kmsKeyID, or set algorithm to aws:kms"}}},
		{"a key is a sentence", accountWithStorage(`{url: "s3://films", region: eu-central-1, serverSideEncryption: {algorithm: "aws:kms", kmsKeyID: "the key of films"}}`),
			[]cause{{"spec.storage.serverSideEncryption.kmsKeyID", "kmsKeyID must be the id, the alias or the ARN of a key, such as alias/videos"}}},
		{"the Secret is elsewhere", accountWithStorage(`{url: "gs://films", credentialsSecretRef: {name: other/keys}}`),
			[]cause{{"spec.storage.credentialsSecretRef.name", "name must be the name of a Secret: lower case letters, digits, '-' and '.'"}}},
	})
	checkRefusals(t, videoGenerations, video, []refusal{
		{"a resource uses the operator's identity", videoWithStorage(`{url: "s3://films", region: eu-central-1}`),
			[]cause{{"spec.storage.credentialsSecretRef", noIdentity}}},
		{"a resource names a folder", videoWithStorage(`{url: "file:///videos"}`),
			[]cause{{"spec.storage.url", noFolder}, {"spec.storage.credentialsSecretRef", noIdentity}}},
		{"a resource changes the prefix of its account", videoWithStorage(`{prefix: others}`),
			[]cause{{"spec.storage", "endpoint, region, prefix, credentialsSecretRef and serverSideEncryption belong to a url: add url, or remove them to use the storage of the KieAccount"}}},
		{"a resource encrypts in the bucket of its account", videoWithStorage(`{serverSideEncryption: {algorithm: AES256}}`),
			[]cause{{"spec.storage", "endpoint, region, prefix, credentialsSecretRef and serverSideEncryption belong to a url: add url, or remove them to use the storage of the KieAccount"}}},
		{"a resource says nothing", videoWithStorage(`{}`),
			[]cause{{"spec.storage", "at least 1 properties"}}},
	})
}

func TestStorageIsAccepted(t *testing.T) {
	for i, spec := range []string{
		`{url: "s3://films", region: eu-central-1}`,
		`{url: "s3://films.example.com", region: us-gov-west-1, prefix: films/veo, deletionPolicy: Delete, credentialsSecretRef: {name: keys}}`,
		`{url: "s3://films", endpoint: "http://minio.storage.svc:9000", credentialsSecretRef: {name: keys}}`,
		`{url: "s3://films", region: eu-central-1, serverSideEncryption: {algorithm: AES256}}`,
		`{url: "s3://films", region: eu-central-1, serverSideEncryption: {algorithm: "aws:kms"}}`,
		`{url: "s3://films", region: eu-central-1, serverSideEncryption: {algorithm: "aws:kms", kmsKeyID: "arn:aws:kms:eu-central-1:111122223333:alias/films"}}`,
		`{url: "gs://films_1", deletionPolicy: Retain}`,
		`{url: "azblob://films", endpoint: "https://account.blob.core.windows.net"}`,
		`{url: "file:///videos"}`,
		`{url: "file:///mnt/My Videos/.kie..d", prefix: day=1/a.b}`,
	} {
		if err := create(t, kieAccounts, account(fmt.Sprintf("storage-%d", i), accountWithStorage(spec))); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
	}
	for i, spec := range []string{
		`{deletionPolicy: Delete}`,
		`{url: "s3://films", region: eu-central-1, credentialsSecretRef: {name: keys}}`,
		`{url: "gs://films", prefix: veo, credentialsSecretRef: {name: keys}}`,
		`{url: "azblob://films", endpoint: "https://account.blob.core.windows.net", credentialsSecretRef: {name: keys}}`,
	} {
		if err := create(t, videoGenerations, video(fmt.Sprintf("storage-%d", i), videoWithStorage(spec))); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
	}
}
