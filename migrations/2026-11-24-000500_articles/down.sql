DROP TABLE article_views;
DROP TABLE articles;
