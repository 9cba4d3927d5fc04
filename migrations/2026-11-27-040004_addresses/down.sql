DROP INDEX articles_address_idx;
DROP FUNCTION find_address_host, make_address_key, decode_percents;
