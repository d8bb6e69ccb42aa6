"""Proves haul-fakes3 with a client that is not ours: boto3, and raw HTTP where boto3 would hide what is sent."""

import base64
import hashlib
import http.client
import json
import os
import socket
import time
import unittest
import zlib

from harness import MIB, SOURCE, WithFake


class Objects(WithFake):
    def setUp(self):
        super().setUp()
        self.s3.create_bucket(Bucket="b")

    def put(self, key, body=b"body", **named):
        return self.s3.put_object(Bucket="b", Key=key, Body=body, **named)

    def get(self, key, **named):
        answer = self.s3.get_object(Bucket="b", Key=key, **named)
        return answer["Body"].read(), answer

    def test_an_object_comes_back_as_it_was_put(self):
        body = os.urandom(300_000)
        put = self.put("k", body, ContentType="text/x", Metadata={"Colour": "blue"}, Tagging="a=1&b=x%20y",
                       CacheControl="no-cache", ContentEncoding="gzip", StorageClass="STANDARD_IA")
        self.assertEqual(put["ETag"], '"%s"' % hashlib.md5(body).hexdigest())
        got, answer = self.get("k")
        self.assertEqual(got, body)
        self.assertEqual(answer["ContentType"], "text/x")
        self.assertEqual(answer["Metadata"], {"colour": "blue"})
        self.assertEqual(answer["CacheControl"], "no-cache")
        self.assertEqual(answer["ContentEncoding"], "gzip")
        self.assertEqual(answer["StorageClass"], "STANDARD_IA")
        tags = self.s3.get_object_tagging(Bucket="b", Key="k")["TagSet"]
        self.assertEqual(tags, [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "x y"}])

    def test_unpleasant_keys_keep_their_bytes(self):
        keys = ["a b", "a+b", "a%2Fb", "a//b", "/lead", "./x", "../y", "tab\there", "line\nfeed", "q\"'<>&", "\\",
                "\U0001f600", "\u00e9", "e\u0301", "A", "a", "a/", "a/b", "~*()!", "\x01", "x" * 1024]
        for key in keys:
            self.put(key, key.encode())
        listed = [o["Key"] for o in self.s3.list_objects_v2(Bucket="b")["Contents"]]
        self.assertEqual(listed, sorted(keys, key=lambda k: k.encode()))
        for key in keys:
            self.assertEqual(self.get(key)[0], key.encode())
        raw = self.fake.raw("GET", "/b?list-type=2&encoding-type=url&prefix=a%2Bb")[2].decode()
        self.assertIn("<Key>a%2Bb</Key>", raw)
        raw = self.fake.raw("GET", "/b?list-type=2&encoding-type=url&prefix=a%20b")[2].decode()
        self.assertIn("<Key>a+b</Key>", raw)

    def test_ranges(self):
        body = bytes(range(256)) * 100
        self.put("r", body)
        for text, expected in (("bytes=0-9", body[:10]), ("bytes=100-", body[100:]), ("bytes=-7", body[-7:]),
                               ("bytes=25599-99999", body[-1:])):
            got, answer = self.get("r", Range=text)
            self.assertEqual(got, expected)
            self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 206)
        self.refused("InvalidRange", self.get, "r", Range="bytes=25600-")

    def test_conditions_of_reads(self):
        etag = self.put("c")["ETag"]
        self.assertEqual(self.get("c", IfMatch=etag)[0], b"body")
        self.refused("PreconditionFailed", self.get, "c", IfMatch='"other"')
        self.refused("304", self.get, "c", IfNoneMatch=etag)

    def test_conditions_of_writes(self):
        only_new = {"If-None-Match": "*"}
        self.assertEqual(self.fake.raw("PUT", "/b/w", b"first", only_new)[0], 200)
        status, _, text = self.fake.raw("PUT", "/b/w", b"second", only_new)
        self.assertEqual(status, 412)
        self.assertIn(b"<Code>PreconditionFailed</Code>", text)
        headers = {"If-Match": '"other"'}
        self.assertEqual(self.fake.raw("PUT", "/b/w", b"new", headers)[0], 412)
        headers = {"If-Match": self.s3.head_object(Bucket="b", Key="w")["ETag"]}
        self.assertEqual(self.fake.raw("PUT", "/b/w", b"new", headers)[0], 200)
        self.assertEqual(self.get("w")[0], b"new")

    def test_checksums_are_checked_and_kept(self):
        body = b"123456789"
        # check values of the CRC catalogue
        known = {"crc32": "y/Q5Jg==", "crc32c": "4waSgw==", "crc64nvme": "rosUhgp5mIg=",
                 "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode()}
        for name, value in known.items():
            header = "x-amz-checksum-" + name
            status, answer, _ = self.fake.raw("PUT", "/b/" + name, body, {header: value})
            self.assertEqual((status, answer[header]), (200, value))
            answer = self.fake.raw("HEAD", "/b/" + name, headers={"x-amz-checksum-mode": "ENABLED"})[1]
            self.assertEqual(answer[header], value)
            self.assertEqual(answer["x-amz-checksum-type"], "FULL_OBJECT")
            status, _, text = self.fake.raw("PUT", "/b/" + name, b"12345678X", {header: value})
            self.assertEqual(status, 400)
            self.assertIn(b"BadDigest", text)
        md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
        self.assertEqual(self.fake.raw("PUT", "/b/m", body, {"Content-MD5": md5})[0], 200)
        self.assertIn(b"BadDigest", self.fake.raw("PUT", "/b/m", b"other", {"Content-MD5": md5})[2])
        self.assertIn(b"InvalidDigest", self.fake.raw("PUT", "/b/m", b"other", {"Content-MD5": "x"})[2])
        self.assertNotIn("x-amz-checksum-crc32c", self.fake.raw("HEAD", "/b/crc32c")[1])

    def test_a_body_in_aws_chunks_with_a_trailer(self):
        body = os.urandom(100_000)
        crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
        def framed(value):
            chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 65536]), body[i:i + 65536])
                              for i in range(0, len(body), 65536))
            return chunks + b"0\r\nx-amz-checksum-crc32:" + value.encode() + b"\r\n\r\n"
        headers = {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": str(len(body)),
                   "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-trailer": "x-amz-checksum-crc32"}
        self.assertEqual(self.fake.raw("PUT", "/b/ch", framed(crc), headers)[0], 200)
        got, answer = self.get("ch")
        self.assertEqual(got, body)
        self.assertNotIn("ContentEncoding", answer)
        self.assertIn(b"BadDigest", self.fake.raw("PUT", "/b/ch", framed("AAAAAA=="), headers)[2])
        headers["x-amz-decoded-content-length"] = "99999"
        self.assertIn(b"IncompleteBody", self.fake.raw("PUT", "/b/ch", framed(crc), headers)[2])

    def test_a_body_in_http_chunks(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.fake.port)
        connection.request("PUT", "/b/tc", body=iter([b"one", b"two" * 50_000]), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})
        self.assertEqual(connection.getresponse().read(), b"")
        connection.request("GET", "/b/tc")
        self.assertEqual(connection.getresponse().read(), b"one" + b"two" * 50_000)
        connection.close()

    def test_continue_is_said_before_a_body_and_only_then(self):
        with socket.create_connection(("127.0.0.1", self.fake.port), 5) as s:
            s.sendall(b"PUT /b/e HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(s.recv(1000), b"HTTP/1.1 100 Continue\r\n\r\n")
            s.sendall(b"body")
            self.assertTrue(s.recv(1000).startswith(b"HTTP/1.1 200"))

    def test_requests_in_one_packet_are_answered_in_order(self):
        self.put("p1", b"first")
        self.put("p2", b"second")
        with socket.create_connection(("127.0.0.1", self.fake.port), 5) as s:
            s.sendall(b"GET /b/p1 HTTP/1.1\r\nHost: x\r\n\r\nGET /b/p2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            got = b""
            while piece := s.recv(10000):
                got += piece
        self.assertLess(got.index(b"first"), got.index(b"second"))

    def test_copies_take_along_or_replace(self):
        self.put("a/ü+b", b"content", ContentType="text/x", Metadata={"m": "1"}, Tagging="t=1", ContentLanguage="cy")
        source = {"Bucket": "b", "Key": "a/ü+b"}
        copy = self.s3.copy_object(Bucket="b", Key="c1", CopySource=source)
        head = self.s3.head_object(Bucket="b", Key="c1")
        self.assertEqual(copy["CopyObjectResult"]["ETag"], head["ETag"])
        self.assertEqual((head["ContentType"], head["Metadata"], head["ContentLanguage"]), ("text/x", {"m": "1"}, "cy"))
        self.assertEqual(self.s3.get_object_tagging(Bucket="b", Key="c1")["TagSet"], [{"Key": "t", "Value": "1"}])
        self.s3.copy_object(Bucket="b", Key="c2", CopySource=source, MetadataDirective="REPLACE", Metadata={"n": "2"},
                            TaggingDirective="REPLACE", Tagging="u=2", StorageClass="STANDARD_IA")
        head = self.s3.head_object(Bucket="b", Key="c2")
        self.assertEqual((head["Metadata"], head["StorageClass"]), ({"n": "2"}, "STANDARD_IA"))
        self.assertNotIn("ContentLanguage", head)
        self.assertEqual(self.s3.get_object_tagging(Bucket="b", Key="c2")["TagSet"], [{"Key": "u", "Value": "2"}])
        self.refused("PreconditionFailed", self.s3.copy_object, Bucket="b", Key="c3", CopySource=source,
                     CopySourceIfMatch='"other"')
        self.refused("InvalidRequest", self.s3.copy_object, Bucket="b", Key="c1", CopySource="b/c1")
        self.refused("NoSuchKey", self.s3.copy_object, Bucket="b", Key="c1", CopySource="b/none")
        headers = {"x-amz-copy-source": "/b/c1", "If-None-Match": "*"}
        self.assertEqual(self.fake.raw("PUT", "/b/c2", headers=headers)[0], 412)

    def test_deletes(self):
        for i in range(5):
            self.put(f"d&{i}")
        self.s3.delete_object(Bucket="b", Key="d&0")
        answer = self.s3.delete_objects(Bucket="b", Delete={"Objects": [{"Key": "d&1"}, {"Key": "gone"}]})
        self.assertEqual(sorted(d["Key"] for d in answer["Deleted"]), ["d&1", "gone"])
        answer = self.s3.delete_objects(Bucket="b", Delete={"Objects": [{"Key": "d&2"}], "Quiet": True})
        self.assertNotIn("Deleted", answer)
        self.assertEqual([o["Key"] for o in self.s3.list_objects_v2(Bucket="b")["Contents"]], ["d&3", "d&4"])
        document = b"<Delete><Object><Key>d&amp;3</Key></Object></Delete>"
        self.assertEqual(self.fake.raw("POST", "/b?delete", document)[0], 400)

    def test_tags_can_be_put_and_taken_away(self):
        self.put("t")
        self.s3.put_object_tagging(Bucket="b", Key="t", Tagging={"TagSet": [{"Key": "<k>", "Value": "a&b"}]})
        self.assertEqual(self.s3.get_object_tagging(Bucket="b", Key="t")["TagSet"], [{"Key": "<k>", "Value": "a&b"}])
        self.s3.delete_object_tagging(Bucket="b", Key="t")
        self.assertEqual(self.s3.get_object_tagging(Bucket="b", Key="t")["TagSet"], [])

    def test_pages_and_delimiters(self):
        keys = [f"p/{i // 10}/{i:03}" for i in range(95)] + ["p/x", "q"]
        for key in keys:
            self.put(key, b"")
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="b", PaginationConfig={"PageSize": 7})
        self.assertEqual([o["Key"] for p in pages for o in p.get("Contents", [])], keys)
        pages = self.s3.get_paginator("list_objects").paginate(Bucket="b", PaginationConfig={"PageSize": 7})
        self.assertEqual([o["Key"] for p in pages for o in p.get("Contents", [])], keys)
        for lister in ("list_objects_v2", "list_objects"):
            pages = list(self.s3.get_paginator(lister).paginate(Bucket="b", Prefix="p/", Delimiter="/",
                                                                PaginationConfig={"PageSize": 3}))
            self.assertEqual([c["Prefix"] for p in pages for c in p.get("CommonPrefixes", [])],
                             [f"p/{i}/" for i in range(10)])
            self.assertEqual([o["Key"] for p in pages for o in p.get("Contents", [])], ["p/x"])
        listed = self.s3.list_objects_v2(Bucket="b", StartAfter="p/9/093")
        self.assertEqual([o["Key"] for o in listed["Contents"]], ["p/9/094", "p/x", "q"])
        self.refused("InvalidArgument", self.s3.list_objects_v2, Bucket="b", ContinuationToken="nonsense")

    def test_versions(self):
        self.put("v", b"before")
        self.s3.put_bucket_versioning(Bucket="b", VersioningConfiguration={"Status": "Enabled"})
        self.assertEqual(self.s3.get_bucket_versioning(Bucket="b")["Status"], "Enabled")
        first = self.put("v", b"one")["VersionId"]
        self.put("v", b"two")
        self.assertEqual(self.get("v", VersionId=first)[0], b"one")
        self.assertEqual(self.get("v", VersionId="null")[0], b"before")
        marker = self.s3.delete_object(Bucket="b", Key="v")
        self.assertTrue(marker["DeleteMarker"])
        self.refused("NoSuchKey", self.get, "v")
        self.refused("MethodNotAllowed", self.get, "v", VersionId=marker["VersionId"])
        pages = list(self.s3.get_paginator("list_object_versions").paginate(Bucket="b", PaginationConfig={"PageSize": 1}))
        self.assertEqual(len([v for p in pages for v in p.get("Versions", [])]), 3)
        self.assertEqual(len([v for p in pages for v in p.get("DeleteMarkers", [])]), 1)
        self.assertNotIn("Contents", self.s3.list_objects_v2(Bucket="b"))
        self.s3.delete_object(Bucket="b", Key="v", VersionId=marker["VersionId"])
        self.assertEqual(self.get("v")[0], b"two")

    def test_buckets(self):
        self.refused("NoSuchBucket", self.s3.list_objects_v2, Bucket="none")
        self.refused("404", self.s3.head_bucket, Bucket="none")
        self.refused("BucketAlreadyOwnedByYou", self.s3.create_bucket, Bucket="b")
        self.s3.create_bucket(Bucket="eu", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
        self.assertEqual(self.s3.get_bucket_location(Bucket="eu")["LocationConstraint"], "eu-west-2")
        self.assertEqual([b["Name"] for b in self.s3.list_buckets()["Buckets"]], ["b", "eu"])
        self.put("x")
        self.refused("BucketNotEmpty", self.s3.delete_bucket, Bucket="b")
        self.s3.delete_bucket(Bucket="eu")

    def test_the_bucket_may_be_in_the_host(self):
        self.put("h/k", b"by host")
        answer = self.fake.raw("GET", "/h/k", headers={"Host": f"b.localhost:{self.fake.port}"})
        self.assertEqual(answer[2], b"by host")


class Multipart(WithFake):
    def setUp(self):
        super().setUp()
        self.s3.create_bucket(Bucket="b")
        self.parts = [os.urandom(5 * MIB), os.urandom(5 * MIB), b"tail"]

    def begin(self, key="m", **named):
        return self.s3.create_multipart_upload(Bucket="b", Key=key, **named)["UploadId"]

    def upload(self, upload, key="m"):
        done = []
        for number, body in enumerate(self.parts, 1):
            answer = self.s3.upload_part(Bucket="b", Key=key, UploadId=upload, PartNumber=number, Body=body)
            done.append({"PartNumber": number, "ETag": answer["ETag"]})
        return done

    def complete(self, upload, parts, key="m", **named):
        return self.s3.complete_multipart_upload(Bucket="b", Key=key, UploadId=upload,
                                                 MultipartUpload={"Parts": parts}, **named)

    def test_parts_become_one_object(self):
        upload = self.begin(Metadata={"a": "b"}, ContentType="image/x", Tagging="k=v")
        parts = self.upload(upload)
        listed = self.s3.list_parts(Bucket="b", Key="m", UploadId=upload)["Parts"]
        self.assertEqual([p["Size"] for p in listed], [5 * MIB, 5 * MIB, 4])
        self.assertEqual([u["UploadId"] for u in self.s3.list_multipart_uploads(Bucket="b")["Uploads"]], [upload])
        answer = self.complete(upload, parts)
        digest = hashlib.md5(b"".join(hashlib.md5(p).digest() for p in self.parts)).hexdigest()
        self.assertEqual(answer["ETag"], f'"{digest}-3"')
        got = self.s3.get_object(Bucket="b", Key="m")
        self.assertEqual(got["Body"].read(), b"".join(self.parts))
        self.assertEqual((got["Metadata"], got["ContentType"]), ({"a": "b"}, "image/x"))
        second = self.s3.get_object(Bucket="b", Key="m", PartNumber=2)
        self.assertEqual((second["Body"].read(), second["PartsCount"]), (self.parts[1], 3))
        self.refused("NoSuchUpload", self.complete, upload, parts)

    def test_the_whole_crc_is_composed_and_checked(self):
        whole = base64.b64encode(zlib.crc32(b"".join(self.parts)).to_bytes(4, "big")).decode()
        headers = {"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT"}
        def attempt(value):
            text = self.fake.raw("POST", "/b/m?uploads", b"", headers)[2].decode()
            upload = text.split("<UploadId>")[1].split("<")[0]
            listed = "".join(f"<Part><PartNumber>{p['PartNumber']}</PartNumber><ETag>{p['ETag']}</ETag></Part>"
                             for p in self.upload(upload))
            return self.fake.raw("POST", f"/b/m?uploadId={upload}",
                                 f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode(),
                                 {"x-amz-checksum-crc32": value, "x-amz-checksum-type": "FULL_OBJECT"})
        status, _, text = attempt(whole)
        self.assertEqual(status, 200, text)
        self.assertIn(f"<ChecksumCRC32>{whole}</ChecksumCRC32>".encode(), text)
        head = self.fake.raw("HEAD", "/b/m", headers={"x-amz-checksum-mode": "ENABLED"})[1]
        self.assertEqual(head["x-amz-checksum-crc32"], whole)
        self.assertIn(b"BadDigest", attempt("AAAAAA==")[2])

    def test_crc64nvme_is_the_same_in_one_piece_and_in_parts(self):
        upload = self.begin()
        parts = []
        for number, body in enumerate(self.parts, 1):
            headers = self.fake.raw("PUT", f"/b/m?partNumber={number}&uploadId={upload}", body)[1]
            parts.append({"PartNumber": number, "ETag": headers["etag"]})
        self.complete(upload, parts)
        headers = {"x-amz-checksum-mode": "ENABLED"}
        self.fake.raw("PUT", "/b/plain", b"".join(self.parts))
        self.assertEqual(self.fake.raw("HEAD", "/b/m", headers=headers)[1]["x-amz-checksum-crc64nvme"],
                         self.fake.raw("HEAD", "/b/plain", headers=headers)[1]["x-amz-checksum-crc64nvme"])

    def test_a_composite_checksum_is_that_of_the_parts(self):
        upload = self.begin(ChecksumAlgorithm="SHA256")
        parts = []
        for number, body in enumerate(self.parts, 1):
            value = base64.b64encode(hashlib.sha256(body).digest()).decode()
            answer = self.s3.upload_part(Bucket="b", Key="m", UploadId=upload, PartNumber=number, Body=body,
                                         ChecksumSHA256=value)
            parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": value})
        expected = hashlib.sha256(b"".join(hashlib.sha256(p).digest() for p in self.parts)).digest()
        self.assertEqual(self.complete(upload, parts)["ChecksumSHA256"], base64.b64encode(expected).decode() + "-3")

    def test_what_cannot_be_completed_is_refused(self):
        upload = self.begin()
        parts = self.upload(upload)
        self.refused("InvalidPartOrder", self.complete, upload, parts[::-1])
        self.refused("InvalidPart", self.complete, upload, [{"PartNumber": 1, "ETag": '"wrong"'}])
        self.refused("InvalidPart", self.complete, upload, [{"PartNumber": 9, "ETag": parts[0]["ETag"]}])
        small = self.s3.upload_part(Bucket="b", Key="m", UploadId=upload, PartNumber=2, Body=b"small")
        self.refused("EntityTooSmall", self.complete, upload,
                     [parts[0], {"PartNumber": 2, "ETag": small["ETag"]}, parts[2]])
        self.s3.put_object(Bucket="b", Key="m", Body=b"was there")
        one = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{parts[0]['ETag']}</ETag></Part>"
        self.assertEqual(self.fake.raw("POST", f"/b/m?uploadId={upload}", (one + "</CompleteMultipartUpload>").encode(),
                                       {"If-None-Match": "*"})[0], 412)
        self.s3.abort_multipart_upload(Bucket="b", Key="m", UploadId=upload)
        self.refused("NoSuchUpload", self.s3.list_parts, Bucket="b", Key="m", UploadId=upload)

    def test_parts_are_copied_by_range(self):
        body = os.urandom(11 * MIB)
        self.s3.put_object(Bucket="b", Key="src", Body=body)
        upload = self.begin(key="dst")
        parts = []
        for number, (first, last) in enumerate(((0, 6 * MIB - 1), (6 * MIB, 11 * MIB - 1)), 1):
            answer = self.s3.upload_part_copy(Bucket="b", Key="dst", UploadId=upload, PartNumber=number,
                                              CopySource="b/src", CopySourceRange=f"bytes={first}-{last}")
            parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
        self.complete(upload, parts, key="dst")
        self.assertEqual(self.s3.get_object(Bucket="b", Key="dst")["Body"].read(), body)
        self.refused("InvalidArgument", self.s3.upload_part_copy, Bucket="b", Key="dst", UploadId="x", PartNumber=1,
                     CopySource="b/src", CopySourceRange=f"bytes=0-{11 * MIB}")


class Synthetic(WithFake):
    def keys(self, bucket, **named):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, **named)
        return [o["Key"] for p in pages for o in p.get("Contents", [])]

    def test_a_bucket_exists_by_its_name(self):
        for name in ("x-n2500", "x-n2500-deep", "x-n2500-common-s10"):
            keys = self.keys(name)
            self.assertEqual(len(keys), 2500)
            self.assertEqual(keys, sorted(set(keys)))
            self.assertEqual(self.keys(name, Prefix=keys[1234]), [keys[1234]])
            self.assertEqual(self.s3.list_objects_v2(Bucket=name, StartAfter=keys[99])["Contents"][0]["Key"], keys[100])
        sizes = [o["Size"] for o in self.s3.list_objects_v2(Bucket="x-n1100-mixed")["Contents"]]
        self.assertEqual(sizes[:8], [1024, 4096, 1024, 16384, 1024, 4096, 1024, 65536])
        last = self.s3.list_objects_v2(Bucket="x-n1100-mixed", StartAfter="0000001022-1024", MaxKeys=1)["Contents"][0]
        self.assertEqual((last["Key"], last["Size"]), ("0000001023-1073741824", 1 << 30))
        self.assertEqual(self.keys("x-n10-m5"), [k for i, k in enumerate(self.keys("x-n10"), 1) if i % 5])

    def test_a_million_keys_are_reached_at_any_place(self):
        top = self.s3.list_objects_v2(Bucket="x-n1000000-deep", Delimiter="/")
        self.assertEqual(len(top["CommonPrefixes"]), 100)
        last = self.s3.list_objects_v2(Bucket="x-n1000000-deep", StartAfter="d000099/e99/0000999998-4096")
        self.assertEqual([o["Key"] for o in last["Contents"]], ["d000099/e99/0000999999-4096"])
        self.assertFalse(last["IsTruncated"])

    def test_equal_buckets_compare_equal(self):
        entries = [[(o["Key"], o["Size"], o["ETag"]) for o in self.s3.list_objects_v2(Bucket=b)["Contents"]]
                   for b in ("left-n300", "right-n300", "right-n300-c100")]
        self.assertEqual(entries[0], entries[1])
        self.assertEqual(sum(a != b for a, b in zip(entries[0], entries[2])), 3)

    def test_content_follows_from_key_and_offset(self):
        key = "0000000007-3000000"
        whole = self.s3.get_object(Bucket="a-n10-s3000000", Key=key)["Body"].read()
        self.assertEqual(len(whole), 3_000_000)
        part = self.s3.get_object(Bucket="b-n99-s3000000", Key=key, Range="bytes=1500000-2600000")["Body"].read()
        self.assertEqual(part, whole[1_500_000:2_600_001])
        self.refused("NoSuchKey", self.s3.get_object, Bucket="a-n10-s3000000", Key="0000000010-3000000")

    def test_copies_of_synthetic_objects_are_real_ones(self):
        self.s3.create_bucket(Bucket="b")
        self.s3.copy_object(Bucket="b", Key="c", CopySource="a-n10-s6000000/0000000003-6000000")
        got = self.s3.get_object(Bucket="b", Key="c")["Body"].read()
        self.assertEqual(got, self.s3.get_object(Bucket="a-n10-s6000000", Key="0000000003-6000000")["Body"].read())
        headers = {"x-amz-checksum-mode": "ENABLED"}
        self.fake.raw("PUT", "/b/same", got)
        crcs = [self.fake.raw("HEAD", target, headers=headers)[1]["x-amz-checksum-crc64nvme"]
                for target in ("/b/c", "/b/same", "/a-n10-s6000000/0000000003-6000000")]
        self.assertEqual(len(set(crcs)), 1)
        self.assertLess(self.fake.stats()["stored_bytes"], 6_100_000)


class Drained(WithFake):
    OPTIONS = ("--store=none", "--etag=fast")

    def test_what_is_written_is_swallowed_but_still_checked(self):
        self.s3.put_object(Bucket="anything", Key="k", Body=b"x" * MIB)
        upload = self.s3.create_multipart_upload(Bucket="anything", Key="k")["UploadId"]
        part = self.s3.upload_part(Bucket="anything", Key="k", UploadId=upload, PartNumber=1, Body=b"part")
        self.s3.complete_multipart_upload(Bucket="anything", Key="k", UploadId=upload,
                                          MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        self.s3.copy_object(Bucket="anything", Key="c", CopySource="x-n10/0000000003-4096")
        self.s3.delete_object(Bucket="anything", Key="k")
        bad = {"x-amz-checksum-crc32": "AAAAAA=="}
        self.assertIn(b"BadDigest", self.fake.raw("PUT", "/anything/k", b"x", bad)[2])
        self.assertEqual(self.fake.stats()["stored_bytes"], 0)


class Identity(WithFake):
    OPTIONS = ("--verify-signatures", "--check-region")

    def test_signatures_hold_or_are_refused(self):
        self.s3.create_bucket(Bucket="b")
        for key in ("plain", "a b+c", "ü//x", "%41", "~'()*!"):
            self.s3.put_object(Bucket="b", Key=key, Body=b"x", Metadata={"a": "b  c"})
            self.assertEqual(self.s3.get_object(Bucket="b", Key=key)["Body"].read(), b"x")
        self.s3.list_objects_v2(Bucket="b", Prefix="a b+", Delimiter="/")
        self.refused("SignatureDoesNotMatch", self.fake.client(keys=(SOURCE[0], "wrong")).list_buckets)
        self.refused("InvalidAccessKeyId", self.fake.client(keys=("AKIANOBODY", "x")).list_buckets)
        self.assertIn(b"AccessDenied", self.fake.raw("GET", "/b/plain")[2])

    def test_presigned_requests(self):
        self.s3.create_bucket(Bucket="b")
        self.s3.put_object(Bucket="b", Key="k k", Body=b"signed")
        s3 = self.fake.client(signature_version="s3v4")
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k k"})
        target = url[len(self.fake.endpoint):]
        self.assertEqual(self.fake.raw("GET", target)[2], b"signed")
        self.assertIn(b"SignatureDoesNotMatch", self.fake.raw("GET", target.replace("k%20k", "kk"))[2])

    def test_a_body_that_is_not_what_was_signed(self):
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        self.s3.create_bucket(Bucket="b")
        request = AWSRequest("PUT", self.fake.endpoint + "/b/k", data=b"right")
        S3SigV4Auth(Credentials(*SOURCE), "s3", "us-east-1").add_auth(request)
        headers = dict(request.headers.items())
        self.assertEqual(self.fake.raw("PUT", "/b/k", b"right", headers)[0], 200)
        self.assertIn(b"XAmzContentSHA256Mismatch", self.fake.raw("PUT", "/b/k", b"wrong", headers)[2])

    def test_another_region_is_a_redirect(self):
        eu = self.fake.client(region="eu-west-1")
        eu.create_bucket(Bucket="eu", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        eu.put_object(Bucket="eu", Key="k", Body=b"x")
        # boto3 follows the region it is told
        self.assertEqual(self.s3.get_object(Bucket="eu", Key="k")["Body"].read(), b"x")
        self.assertEqual(self.fake.stats()["operations"]["GetObject"], 2)

    def assume(self, **named):
        sts = self.fake.client("sts")
        return sts.assume_role(RoleArn="arn:aws:iam::destination:role/writer", RoleSessionName="run-1",
                               Policy='{"Statement": []}', **named)["Credentials"]

    def session(self, credentials):
        return self.fake.client(keys=(credentials["AccessKeyId"], credentials["SecretAccessKey"]),
                                token=credentials["SessionToken"])

    def test_an_assumed_role_works_until_it_expires(self):
        credentials = self.assume()
        session = self.session(credentials)
        session.create_bucket(Bucket="theirs")
        wrong = dict(credentials, SessionToken="other")
        self.refused("InvalidToken", self.session(wrong).list_buckets)
        self.fake.control("POST", "expire-sessions")
        self.assertEqual(self.refused("ExpiredToken", session.list_buckets)["ResponseMetadata"]["HTTPStatusCode"], 400)
        call = self.fake.stats()["role_calls"][0]
        self.assertEqual((call["account"], call["session"], call["seconds"]), ("destination", "run-1", 3600))
        self.assertEqual(json.loads(call["policy"]), {"Statement": []})

    def test_sessions_can_be_made_short(self):
        self.fake.control("PUT", "settings", {"sts-seconds": 7200})
        left = self.assume(DurationSeconds=900)["Expiration"].timestamp() - time.time()
        self.assertAlmostEqual(left, 7200, delta=30)


class Skewed(WithFake):
    OPTIONS = ("--verify-signatures", "--skew", "3600")

    def test_a_clock_that_is_off_is_told_so(self):
        answer = self.refused("RequestTimeTooSkewed", self.s3.list_buckets)
        self.assertIn("date", answer["ResponseMetadata"]["HTTPHeaders"])


class Scripted(WithFake):
    def setUp(self):
        super().setUp()
        self.s3.create_bucket(Bucket="b")
        self.body = os.urandom(200_000)
        self.fake.raw("PUT", "/b/k", self.body)
        self.fake.control("POST", "reset-stats")

    def rule(self, operation, action, **named):
        if isinstance(action, str):
            action = {"type": action}
        self.fake.faults({"match": {"operation": operation}, "action": action, **named})

    def get(self):
        return self.s3.get_object(Bucket="b", Key="k")["Body"].read()

    def test_rules_choose_by_number_and_share(self):
        self.rule("GetObject", "slow-down", skip=1, count=2)
        outcomes = [self.fake.raw("GET", "/b/k")[0] for _ in range(5)]
        self.assertEqual(outcomes, [200, 503, 503, 200, 200])
        self.rule("GetObject", "slow-down", every=3)
        self.assertEqual([self.fake.raw("GET", "/b/k")[0] for _ in range(6)], [200, 200, 503, 200, 200, 503])
        self.rule("GetObject", "slow-down", probability=0.5, seed=7)
        first = [self.fake.raw("GET", "/b/k")[0] for _ in range(40)]
        self.assertTrue(5 < first.count(503) < 35)
        self.rule("GetObject", "slow-down", probability=0.5, seed=7)
        self.assertEqual([self.fake.raw("GET", "/b/k")[0] for _ in range(40)], first)
        self.fake.faults({"match": {"key": "other*"}, "action": {"type": "error"}})
        self.assertEqual(self.get(), self.body)
        self.assertEqual(self.fake.control("PUT", "faults", {"rules": [{"action": {"type": "nonsense"}}]})[0], 400)

    def test_errors_have_status_code_and_headers(self):
        self.rule("GetObject", {"type": "error", "status": 503, "code": "ServiceUnavailable",
                                "headers": {"Retry-After": "7"}})
        status, headers, text = self.fake.raw("GET", "/b/k")
        self.assertEqual((status, headers["retry-after"]), (503, "7"))
        self.assertIn(b"<Code>ServiceUnavailable</Code>", text)
        self.assertEqual(self.fake.stats()["faults"], 1)

    def test_an_error_inside_200(self):
        self.rule("CopyObject", "error-in-200")
        status, _, text = self.fake.raw("PUT", "/b/c", headers={"x-amz-copy-source": "/b/k"})
        self.assertEqual(status, 200)
        self.assertIn(b"<Code>InternalError</Code>", text)
        self.refused("404", self.s3.head_object, Bucket="b", Key="c")

    def test_bodies_that_end_early_or_differ(self):
        self.rule("GetObject", {"type": "reset", "bytes": 1000})
        with self.assertRaises((ConnectionResetError, http.client.IncompleteRead)):
            self.fake.raw("GET", "/b/k")
        self.rule("GetObject", {"type": "short", "bytes": 10})
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.fake.raw("GET", "/b/k")
        self.assertEqual(len(caught.exception.partial), len(self.body) - 10)
        self.rule("GetObject", {"type": "corrupt", "at": 70_000})
        got = self.fake.raw("GET", "/b/k")[2]
        self.assertEqual([i for i in range(len(got)) if got[i] != self.body[i]], [70_000])
        self.rule("GetObject", "checksum")
        headers = {"x-amz-checksum-mode": "ENABLED"}
        wrong = self.fake.raw("GET", "/b/k", headers=headers)[1]["x-amz-checksum-crc64nvme"]
        self.assertNotEqual(wrong, self.fake.raw("GET", "/b/k", headers=headers)[1]["x-amz-checksum-crc64nvme"])

    def test_silence(self):
        for action in ({"type": "stall", "ms": 300}, {"type": "stall", "ms": 300, "bytes": 5000}):
            self.rule("GetObject", action)
            began = time.monotonic()
            self.assertEqual(self.get(), self.body)
            self.assertGreater(time.monotonic() - began, 0.25)

    def test_no_answer_before_or_after_it_was_done(self):
        self.rule("PutObject", "close")
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
            self.fake.raw("PUT", "/b/n", b"x")
        self.assertEqual(self.fake.raw("GET", "/b/n")[0], 404)
        self.rule("PutObject", {"type": "close", "apply": True})
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
            self.fake.raw("PUT", "/b/n", b"x")
        self.assertEqual(self.fake.raw("GET", "/b/n")[2], b"x")

    def test_an_upload_cut_in_the_middle(self):
        self.rule("PutObject", {"type": "reset", "request-bytes": 65536})
        with self.assertRaises((ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected)):
            self.fake.raw("PUT", "/b/cut", b"x" * (32 * MIB))
        self.assertEqual(self.fake.raw("GET", "/b/cut")[0], 404)

    def test_an_answer_before_the_body_was_sent(self):
        self.rule("PutObject", {"type": "access-denied", "early": True})
        with socket.create_connection(("127.0.0.1", self.fake.port), 5) as s:
            s.sendall(b"PUT /b/early HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
            answer = s.recv(4096)
            self.assertTrue(answer.startswith(b"HTTP/1.1 403"))
            self.assertIn(b"Connection: close", answer)

    def test_complete_fails_after_it_has_succeeded(self):
        upload = self.s3.create_multipart_upload(Bucket="b", Key="m")["UploadId"]
        part = self.s3.upload_part(Bucket="b", Key="m", UploadId=upload, PartNumber=1, Body=b"part")
        self.rule("CompleteMultipartUpload", {"type": "no-such-upload", "apply": True})
        self.refused("NoSuchUpload", self.s3.complete_multipart_upload, Bucket="b", Key="m", UploadId=upload,
                     MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        self.assertEqual(self.s3.get_object(Bucket="b", Key="m")["Body"].read(), b"part")

    def test_credentials_clock_and_region(self):
        self.rule("GetObject", "expired-token")
        self.refused("ExpiredToken", self.get)
        self.rule("GetObject", {"type": "skewed", "seconds": -3600})
        answer = self.refused("RequestTimeTooSkewed", self.get)
        self.assertNotIn(time.strftime("%d %b %Y %H:", time.gmtime()), answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        self.rule("GetObject", {"type": "redirect", "region": "ap-south-1"})
        status, headers, text = self.fake.raw("GET", "/b/k")
        self.assertEqual((status, headers["x-amz-bucket-region"]), (301, "ap-south-1"))
        self.assertIn(b"<Code>PermanentRedirect</Code>", text)

    def test_listings_that_go_wrong(self):
        self.rule("ListObjectsV2", "cut-xml")
        text = self.fake.raw("GET", "/x-n100?list-type=2")[2]
        self.assertNotIn(b"</ListBucketResult>", text)
        first = self.s3.list_objects_v2(Bucket="x-n100", MaxKeys=10)
        self.rule("ListObjectsV2", "repeat-key")
        second = self.s3.list_objects_v2(Bucket="x-n100", MaxKeys=10, ContinuationToken=first["NextContinuationToken"])
        self.assertEqual(first["Contents"][-1]["Key"], second["Contents"][0]["Key"])
        self.rule("ListObjectsV2", "endless-token", count=0)
        token, seen = first["NextContinuationToken"], []
        for _ in range(3):
            page = self.s3.list_objects_v2(Bucket="x-n100", MaxKeys=10, ContinuationToken=token)
            self.assertTrue(page["IsTruncated"])
            token = page["NextContinuationToken"]
            seen.append(page["Contents"][0]["Key"])
        self.assertEqual(len(set(seen)), 1)

    def test_counters(self):
        self.get()
        self.s3.list_objects_v2(Bucket="b")
        stats = self.fake.stats()
        self.assertEqual(stats["operations"], {"GetObject": 1, "ListObjectsV2": 1})
        self.assertEqual(stats["requests"], 2)
        self.assertGreater(stats["bytes_out"], len(self.body))
        self.assertEqual(stats["most_in_progress"], 1)


if __name__ == "__main__":
    unittest.main()
