// A listing of a bucket, page by page.
//
// What the pages promise is checked, since deletions may be decided by them: keys rise where the service
// promises order, lie under the prefix and behind the start, and each page leads on. A page that breaks that
// is asked for again, and if it stays so the listing ends in data_loss: never in a wrong or an endless list.
#pragma once

#include <memory>

#include "store/store.h"
#include "stores/s3/s3_bucket.h"

namespace haul::s3 {

// `bucket` must outlive it.
std::unique_ptr<store::Lister> make_lister(S3Bucket& bucket, store::ListRequest request);

// Directory buckets give keys in no order, and know no start-after.
bool has_ordered_keys(std::string_view bucket);

}  // namespace haul::s3
