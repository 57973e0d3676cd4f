//! t
fn main(){ let a:Vec<String>=std::env::args().collect();
if a[1]=="build" { let r=weft_build::build(a[2].as_ref(),&weft_build::BuildOptions{out:Some(a[3].clone().into()),target_dir:Some(a[4].clone().into()),quiet:true,..Default::default()}); match r{Ok(b)=>println!("{}",b.size),Err(e)=>println!("{e}")}; return; }
let o=weft_build::BuildOptions{target_dir:Some("/work/t/projects".into()),quiet:true,..Default::default()};
for (s,_) in weft_build::SLOTS { let d=std::path::Path::new("/work/t/new").join(s); let _=std::fs::remove_dir_all(&d); weft_build::new_plugin(&d,s,&format!("try-{s}")).unwrap(); 
 match weft_build::test(&d,&o).and_then(|()|weft_build::build(&d,&o)) {Ok(b)=>println!("{s} {}",b.size),Err(e)=>println!("{s}: {e}")} } }
