"""The script that batch scoring is measured against: pandas reads chunks of 2,000 rows, HashingVectorizer counts words
and pairs, to_csv writes. One process per file. Usage: peer.py IN.csv OUT.csv BITS"""

import os
import sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import pandas
from sklearn.feature_extraction.text import HashingVectorizer

source, target, bits = sys.argv[1], sys.argv[2], int(sys.argv[3])
vectorizer = HashingVectorizer(n_features=1 << bits, ngram_range=(1, 2), norm=None, alternate_sign=False,
                               lowercase=False, token_pattern=r"\S+")
names = [f"Col2_HashingFeature_{i + 1}" for i in range(1 << bits)]
first = True
for chunk in pandas.read_csv(source, chunksize=2000):
    counts = vectorizer.transform(chunk["Col2"]).toarray()
    result = pandas.concat([chunk[["Col2"]].reset_index(drop=True), pandas.DataFrame(counts, columns=names)], axis=1)
    result.to_csv(target, mode="w" if first else "a", header=first, index=False, float_format="%.15g")
    first = False
