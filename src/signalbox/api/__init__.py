"""The route table, and the nouns over HTTP: a folder for each subject, a file for each noun."""
